#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace mae {
namespace {

TEST(Crc32c, AgreesWithPublishedValues) {
  EXPECT_EQ(Crc32c(""), 0u);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);              // the check value of CRC-32C
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);    // RFC 3720, B.4
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);  // RFC 3720, B.4
}

}  // namespace
}  // namespace mae
