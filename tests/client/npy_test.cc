#include "client/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

TEST(NpyFile, IsAHeaderOfFullLinesThenTheValues) {
  const std::string data(2 * 3 * 4, 'v');
  const auto file = NpyFile({2, 3}, data);
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  const size_t header = static_cast<unsigned char>((*file)[8]) + 256 * static_cast<unsigned char>((*file)[9]);
  EXPECT_EQ((10 + header) % 64, 0u);
  EXPECT_EQ((*file)[10 + header - 1], '\n');
  EXPECT_THAT(file->substr(10, header),
              testing::StartsWith("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"));
  EXPECT_EQ(file->substr(10 + header), data);
}

TEST(NpyFile, HasAsManySizesAsTheArray) {
  EXPECT_THAT(*NpyFile({2, 1, 3}, std::string(24, 'v')), testing::HasSubstr("'shape': (2, 1, 3), }"));
  EXPECT_THAT(*NpyFile({6}, std::string(24, 'v')), testing::HasSubstr("'shape': (6,), }"));
}

TEST(NpyFile, RefusesAnotherShape) {
  EXPECT_THAT(NpyFile({}, "abcd"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(NpyFile({2, 3}, "abcd"), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace mae
