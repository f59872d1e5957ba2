#include "options/class_match.h"

#include <gmock/gmock.h>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(ClassNames, AreTheLabelsAndThenNumbers) {
  EXPECT_THAT(ClassNames({"cat"}, 3), ElementsAre("cat", "1", "2"));
  EXPECT_THAT(ClassNames({"cat", "dog"}, 1), ElementsAre("cat"));
}

TEST(MatchClasses, GoesByNameWhateverTheOrder) {
  const auto match = MatchClasses({"square", "circle"}, {"circle", "line", "square"}, 3);
  ASSERT_THAT(match, IsOk());
  EXPECT_THAT(match->heads, ElementsAre(2, 0));
  EXPECT_THAT(match->names, ElementsAre("circle", "line", "square"));
  EXPECT_FALSE(match->names_differ);
}

TEST(MatchClasses, GoesByNumberWhereOneHasNoNames) {
  const auto unnamed_model = MatchClasses({"cat", "dog"}, {}, 3);
  ASSERT_THAT(unnamed_model, IsOk());
  EXPECT_THAT(unnamed_model->heads, ElementsAre(0, 1));
  EXPECT_THAT(unnamed_model->names, ElementsAre("cat", "dog", "2"));
  const auto unnamed_dataset = MatchClasses({"0", "1"}, {"cat", "dog"}, 2);
  ASSERT_THAT(unnamed_dataset, IsOk());
  EXPECT_THAT(unnamed_dataset->heads, ElementsAre(0, 1));
  EXPECT_THAT(unnamed_dataset->names, ElementsAre("cat", "dog"));
}

TEST(MatchClasses, AlikeListsGoByNumberThoughANameStandsTwice) {
  const std::vector<std::string> twice = {"crane", "heron", "crane"};
  EXPECT_THAT(MatchClasses(twice, twice, 3)->heads, ElementsAre(0, 1, 2));
}

TEST(MatchClasses, OtherWordsForAsManyClassesAreSaidToDiffer) {
  const auto match = MatchClasses({"n01", "n02"}, {"tench", "goldfish"}, 2);
  ASSERT_THAT(match, IsOk());
  EXPECT_THAT(match->heads, ElementsAre(0, 1));
  EXPECT_TRUE(match->names_differ);
}

TEST(MatchClasses, AClassThatTheHeadHasNotIsNamed) {
  EXPECT_THAT(MatchClasses({"cat", "cow"}, {"dog", "cat"}, 2),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no class \"cow\"")));
  EXPECT_THAT(MatchClasses({"cow"}, {"dog", "cat"}, 2),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no class \"cow\"")));
  EXPECT_THAT(MatchClasses({"cat", "dog"}, {"cat"}, 1),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("1 classes, the dataset has 2")));
}

}  // namespace
}  // namespace mae
