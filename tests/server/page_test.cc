#include "server/page.h"

#include <gtest/gtest.h>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

TEST(Page, ZeroIsTheDefaultAndTooMuchIsTheMost) {
  EXPECT_EQ(ParsePage(0, "")->size, 50);
  EXPECT_EQ(ParsePage(7, "")->size, 7);
  EXPECT_EQ(ParsePage(5000, "")->size, 1000);
  EXPECT_EQ(ParsePage(0, "", 10, 20)->size, 10);
}

TEST(Page, ANegativeSizeIsRefused) {
  EXPECT_THAT(ParsePage(-1, ""), StatusIs(StatusCode::kInvalidArgument, HasSubstr("page_size: is -1")));
}

TEST(Page, ATokenGivesBackItsKey) {
  for (const std::string key : {"17", "fashion-mnist", "with spaces/and: signs", "\xff\x01"}) {
    const std::string token = NextPageToken(key);
    const auto page = ParsePage(0, token);
    ASSERT_THAT(page, IsOk()) << key;
    EXPECT_EQ(page->after, key);
  }
  EXPECT_EQ(ParsePage(0, "")->after, "");
}

TEST(Page, AnythingElseIsNoToken) {
  for (const std::string token : {"17", "!", "YWJj"}) {
    EXPECT_THAT(ParsePage(0, token), StatusIs(StatusCode::kInvalidArgument, HasSubstr("page_token")))
        << token;
  }
}

}  // namespace
}  // namespace mae
