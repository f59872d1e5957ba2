#include "recipe/recipe_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "recipe/recipe_proto.h"
#include "tests/fakes/status_matchers.h"
#include "tests/recipe/filled_spec.h"

namespace mae {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

// Every field set, those that no spec has too.
JobOptions FilledOptions(const std::string& kind) {
  auto options = OptionsFromSpec(FilledSpec(kind, /*variant=*/1)).value();
  options.data.format = "idx";
  options.data.path = "/data/a \"b\" ü";
  options.recipe = "mine.yaml";
  options.set_from_weights("/models/m/3");
  return options;
}

absl::StatusOr<JobOptions> ParsedWith(const std::string& pointer, const json& value) {
  json file = json::parse(JobOptionsToJson(FilledOptions("pretrain")));
  file[json::json_pointer(pointer)] = value;
  return JobOptionsFromJson(file.dump());
}

TEST(RecipeJson, OptionsComeBackWhole) {
  for (const auto& kind : JobKinds()) {
    const auto options = FilledOptions(kind);
    EXPECT_THAT(JobOptionsFromJson(JobOptionsToJson(options)), IsOkAndHolds(options)) << kind;
  }
  EXPECT_THAT(JobOptionsFromJson(JobOptionsToJson(JobOptions())), IsOkAndHolds(JobOptions()));
}

TEST(RecipeJson, KeysAreTheNamesOfTheProto) {
  const json file = json::parse(JobOptionsToJson(FilledOptions("finetune")));
  EXPECT_TRUE(file.at("/spec/data/batch_size"_json_pointer).is_number_integer());
  EXPECT_EQ(file.at("/spec/finetune/pooling"_json_pointer), "POOLING_TOKEN");
  EXPECT_EQ(file.at("from_weights"), "/models/m/3");
  EXPECT_EQ(file.at("dataset_format"), "idx");
}

TEST(RecipeJson, DamagedFilesAreRefused) {
  for (const char* text : {"", "{", "[]", "3", "null", "{\"spec\":"}) {
    EXPECT_THAT(JobOptionsFromJson(text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("spec.json")))
        << text;
  }
}

TEST(RecipeJson, MissingKeysAreNamed) {
  for (const char* key : {"spec", "dataset_format", "dataset_path", "from_weights", "recipe"}) {
    json file = json::parse(JobOptionsToJson(FilledOptions("pretrain")));
    file.erase(key);
    EXPECT_THAT(JobOptionsFromJson(file.dump()),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(key)));
  }
}

TEST(RecipeJson, MistypedAndUnknownKeysAreNamed) {
  EXPECT_THAT(ParsedWith("/dataset_path", 3),
              StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("dataset_path"), HasSubstr("3"))));
  EXPECT_THAT(ParsedWith("/dataset", "x"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("dataset")));
  EXPECT_THAT(ParsedWith("/spec/data/batch", 3),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("batch")));
  EXPECT_THAT(ParsedWith("/spec/data/batch_size", "many"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("many")));
  EXPECT_THAT(ParsedWith("/spec/pretrain", nullptr),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("pretrain, finetune")));
}

TEST(RecipeJson, PathOfOddBytesDoesNotThrow) {
  JobOptions options;
  options.data.path = "/data/\xff";
  EXPECT_THAT(JobOptionsFromJson(JobOptionsToJson(options)), IsOk());
}

}  // namespace
}  // namespace mae
