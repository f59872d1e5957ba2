#include "serving/model_name.h"

#include <string>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using namespace std::string_literals;

TEST(ParseModelName, ReadsEveryForm) {
  const struct {
    const char* name;
    ModelReference wanted;
  } cases[] = {
      {"models/m/versions/3", {"m", 3, ""}},  {"m/versions/12", {"m", 12, ""}},
      {"models/a.b-c_1", {"a.b-c_1", 0, ""}}, {"models/m@prod", {"m", 0, "prod"}},
      {"m@latest", {"m", 0, "latest"}},       {"m", {"m", 0, ""}},
  };
  for (const auto& [name, wanted] : cases) {
    const auto reference = ParseModelName(name);
    ASSERT_THAT(reference, IsOk()) << name;
    EXPECT_EQ(reference->model, wanted.model);
    EXPECT_EQ(reference->version, wanted.version);
    EXPECT_EQ(reference->alias, wanted.alias);
  }
}

TEST(ParseModelName, KnowsWhetherAVersionIsMeant) {
  EXPECT_FALSE(ParseModelName("m")->names_version());
  EXPECT_TRUE(ParseModelName("m@latest")->names_version());
  EXPECT_TRUE(ParseModelName("m/versions/1")->names_version());
}

TEST(ParseModelName, RefusesWhatCouldBeAPathOrAnOption) {
  for (const auto& name : {""s,
                           "models/"s,
                           "../x"s,
                           "/etc"s,
                           "..\\"s,
                           "%2e"s,
                           "a\0b"s,
                           "a\nb"s,
                           "-rf"s,
                           ".hidden"s,
                           "M"s,
                           "m@"s,
                           "m@-x"s,
                           "m/versions/"s,
                           "m/versions/0"s,
                           "m/versions/-1"s,
                           "m/versions/1x"s,
                           "m/versions/99999999999999999999"s,
                           "m/other/1"s,
                           "a/b/versions/1"s,
                           std::string(64, 'a'),
                           std::string(10000, 'a')}) {
    EXPECT_THAT(ParseModelName(name), StatusIs(StatusCode::kInvalidArgument, HasSubstr("model: "))) << name;
  }
  EXPECT_THAT(ParseModelName(std::string(63, 'a')), IsOk());
}

TEST(CheckAliases, ThereAreAtMost64) {
  std::vector<std::string> aliases;
  for (int i = 0; i < 64; ++i) aliases.push_back("a" + std::to_string(i));
  EXPECT_THAT(CheckAliases("options.aliases", aliases), IsOk());
  aliases.push_back("one-more");
  EXPECT_THAT(CheckAliases("options.aliases", aliases),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("options.aliases: has 65 names; at most 64")));
}

TEST(CheckAliases, LatestAndDoublesAreRefused) {
  EXPECT_THAT(CheckAliases("publish.aliases", {"prod", "best", "latest-but-one"}), IsOk());
  EXPECT_THAT(CheckAliases("publish.aliases", {"prod", "latest"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("publish.aliases: \"latest\" always")));
  EXPECT_THAT(CheckAliases("options.aliases", {"prod", "best", "prod"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("options.aliases: \"prod\" is there twice")));
  EXPECT_THAT(CheckAliases("options.aliases", {"a b"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("must be 1 to 63")));
}

TEST(CheckAliases, DigitsAloneAreTheNumberOfAVersion) {
  EXPECT_THAT(CheckAliases("publish.aliases", {"v2", "2-best"}), IsOk());
  EXPECT_THAT(CheckAliases("publish.aliases", {"prod", "2"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("publish.aliases: \"2\" would be taken for")));
}

TEST(CheckName, EscapesAndShortensWhatItShows) {
  const auto status = CheckName("publish.model", "a\nb" + std::string(10000, 'x'));
  EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument,
                               AllOf(HasSubstr("publish.model: \"a\\nb"), Not(HasSubstr("\n")))));
  EXPECT_LT(status.message().size(), 300U);
}

}  // namespace
}  // namespace mae
