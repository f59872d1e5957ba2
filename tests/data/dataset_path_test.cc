#include "data/dataset_path.h"

#include <gtest/gtest.h>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

TEST(DatasetPath, TakesNamesOfAnyScript) {
  for (const char* path : {"a", "train/Blüte/花 1.png", "a-b_c.d/e.f", "1/2/3/4/5/6/7/8/file"})
    EXPECT_THAT(CheckDatasetPath(path), IsOk()) << path;
}

TEST(DatasetPath, RefusesWhatLeadsElsewhereOrIsNoText) {
  const std::string deep = "1/2/3/4/5/6/7/8/9/file", part(256, 'x'), path(1025, 'x');
  for (const std::string& refused : {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"),
                                     std::string("../a"), std::string("a/../b"), std::string("a/.b"),
                                     std::string("a\nb"), std::string("a\0b", 3), deep, part, path}) {
    EXPECT_THAT(CheckDatasetPath(refused), StatusIs(StatusCode::kInvalidArgument)) << refused.substr(0, 40);
  }
  // A stray follower, a first byte without one, an overlong slash, and one past the last character.
  for (const char* refused : {"\x80", "\xc3", "a\xe2\x82", "\xc0\xaf", "\xf5\x80\x80\x80", "\xfc.png"})
    EXPECT_THAT(CheckDatasetPath(refused), StatusIs(StatusCode::kInvalidArgument, HasSubstr("UTF-8")));
}

TEST(DatasetName, IsShortAndOfFewCharacters) {
  for (const std::string& name : {std::string("a"), std::string("0a.b_c-d"), std::string(63, 'a')})
    EXPECT_THAT(CheckDatasetName(name), IsOk()) << name;
  for (const std::string& name : {std::string(), std::string(64, 'a'), std::string("A"), std::string("-a"),
                                  std::string(".a"), std::string("a/b"), std::string("\xc3\xa4")})
    EXPECT_THAT(CheckDatasetName(name), StatusIs(StatusCode::kInvalidArgument)) << name;
}

}  // namespace
}  // namespace mae
