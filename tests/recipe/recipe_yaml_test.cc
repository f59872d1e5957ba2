#include "recipe/recipe_yaml.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "tests/fakes/status_matchers.h"
#include "tests/recipe/filled_spec.h"

namespace mae {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

auto Refused(const std::string& what) {
  return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(what));
}

auto Refused(const std::string& what, const std::string& also) {
  return StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr(what), HasSubstr(also)));
}

TEST(ParseRecipe, ReadsEveryKindOfValue) {
  const auto spec = ParseRecipe(
      "# a comment\n"
      "pretrain:\n"
      "  model: {preset: \"nano\", qkv_bias: false, position_embedding: learned}\n"
      "  norm_pix_loss: true\n"
      "data:\n"
      "  batch_size: 64\n"
      "  mean: [0.5, 1e-3, 1]\n"
      "publish: {aliases: [a, b]}\n"
      "seed: 18446744073709551615\n"
      "schedule:\n"
      "  warmup_epochs: 1\n"
      "  start_learning_rate: 1e-6\n"
      "  unit: epoch\n"
      "precision: bf16\n");
  ASSERT_THAT(spec, IsOk());
  EXPECT_EQ(spec->pretrain().model().preset(), "nano");
  EXPECT_TRUE(spec->pretrain().model().has_qkv_bias());
  EXPECT_FALSE(spec->pretrain().model().qkv_bias());
  EXPECT_EQ(spec->pretrain().model().position_embedding(), v1::POSITION_EMBEDDING_LEARNED);
  EXPECT_TRUE(spec->pretrain().norm_pix_loss());
  EXPECT_EQ(spec->data().batch_size(), 64);
  EXPECT_THAT(spec->data().mean(), ElementsAre(0.5, 1e-3, 1.0));
  EXPECT_THAT(spec->publish().aliases(), ElementsAre("a", "b"));
  EXPECT_EQ(spec->seed(), ~uint64_t{0});
  EXPECT_EQ(spec->schedule().warmup_epochs(), 1.0);
  EXPECT_EQ(spec->schedule().start_learning_rate(), 1e-6);
  EXPECT_EQ(spec->schedule().unit(), v1::SCHEDULE_UNIT_EPOCH);
  EXPECT_EQ(spec->precision(), v1::PRECISION_BF16);
  EXPECT_FALSE(spec->data().has_workers());
}

TEST(ParseRecipe, EmptyMappingSetsItsKind) {
  const auto spec = ParseRecipe("finetune: {}");
  ASSERT_THAT(spec, IsOk());
  EXPECT_TRUE(spec->has_finetune());
}

TEST(ParseRecipe, UnknownKeyIsRefusedWithLinePathAndNearest) {
  EXPECT_THAT(ParseRecipe("pretrain: {}\ndata:\n  batch_sise: 3\n"),
              Refused("line 3: data.batch_sise: unknown key", "'batch_size'"));
  EXPECT_THAT(ParseRecipe("pretrian: {}"), Refused("line 1: pretrian: unknown key", "'pretrain'"));
  EXPECT_THAT(ParseRecipe("pretrain:\n  model:\n    decoder: {deph: 3}"),
              Refused("line 3: pretrain.model.decoder.deph", "'depth'"));
}

TEST(ParseRecipe, KeyInTheWrongPlaceIsToldItsPlace) {
  EXPECT_THAT(ParseRecipe("learning_rate: 1"), Refused("belongs at optimizer.learning_rate"));
  EXPECT_THAT(ParseRecipe("schedule: {learning_rate: 1}"), Refused("belongs at optimizer.learning_rate"));
}

TEST(ParseRecipe, KeyUnlikeAnyIsToldAllOfThem) {
  EXPECT_THAT(ParseRecipe("checkpoint: {zzzzzz: 1}"), Refused("every_epochs, keep_last"));
}

TEST(ParseRecipe, IntegersAreWholePlainAndInRange) {
  for (const char* value :
       {"1.5", "1e3", "\"256\"", "many", "true", "", "~", "[1]", "{a: 1}", "2147483648", "0x10", "1_000"}) {
    EXPECT_THAT(ParseRecipe(std::string("pretrain: {}\ndata:\n  batch_size: ") + value),
                Refused("line 3: data.batch_size: expects a whole number"))
        << value;
  }
  EXPECT_THAT(ParseRecipe("seed: -1"), Refused("seed: expects a whole number from 0", "not -1"));
  EXPECT_THAT(ParseRecipe("seed: 18446744073709551616"), Refused("to 18446744073709551615"));
  EXPECT_THAT(ParseRecipe("data: {batch_size: \"256\"}"), Refused("not the string \"256\""));
}

TEST(ParseRecipe, NumbersAreFiniteAndPlain) {
  for (const char* value : {"big", "\"0.5\"", "nan", ".inf", "inf", "1e999", "true", "[0.5]", ""}) {
    EXPECT_THAT(ParseRecipe(std::string("pretrain:\n  mask_ratio: ") + value),
                Refused("line 2: pretrain.mask_ratio: expects a finite number"))
        << value;
  }
}

TEST(ParseRecipe, TruthIsTrueOrFalse) {
  for (const char* value : {"yes", "1", "\"true\"", "True"}) {
    EXPECT_THAT(ParseRecipe(std::string("data: {drop_last: ") + value + "}"),
                Refused("expects true or false"))
        << value;
  }
}

// Of other bytes there would be a spec that no message can carry.
TEST(ParseRecipe, TextThatIsNotUtf8IsRefused) {
  EXPECT_THAT(ParseRecipe("data: {dataset: gr\xc3\xbc\xc3\x9f}"), IsOk());
  EXPECT_THAT(ParseRecipe("data: {dataset: \xff\xfe}"), Refused("data.dataset: expects text in UTF-8"));
}

TEST(ParseRecipe, StringsTakeAnyScalarButNull) {
  const auto spec = ParseRecipe("data: {dataset: 123}");
  ASSERT_THAT(spec, IsOk());
  EXPECT_EQ(spec->data().dataset(), "123");
  for (const char* value : {"~", "", "[a]", "{a: b}"}) {
    EXPECT_THAT(ParseRecipe(std::string("data: {dataset: ") + value + "}"), Refused("expects a string"))
        << value;
  }
}

TEST(ParseRecipe, EnumValuesAreLowerCaseWithoutPrefix) {
  EXPECT_THAT(ParseRecipe("precision: bf61"), Refused("expects one of fp32, bf16, not bf61", "'bf16'"));
  for (const char* value : {"PRECISION_BF16", "unspecified", "2", "\"bf16\"", "[bf16]"}) {
    EXPECT_THAT(ParseRecipe(std::string("precision: ") + value), Refused("expects one of fp32, bf16"))
        << value;
  }
}

TEST(ParseRecipe, ListsAndMappingsAreWhatTheyAre) {
  EXPECT_THAT(ParseRecipe("data: {mean: 0.5}"), Refused("data.mean: expects a list", "not 0.5"));
  EXPECT_THAT(ParseRecipe("data:\n  mean:\n  - 0.5\n  - x"), Refused("line 4: data.mean", "not x"));
  EXPECT_THAT(ParseRecipe("data: 3"), Refused("data: expects a mapping, not 3"));
  EXPECT_THAT(ParseRecipe("data:"), Refused("data: expects a mapping, not nothing"));
  EXPECT_THAT(ParseRecipe("[data]"), Refused("expects a mapping, not a list"));
  EXPECT_THAT(ParseRecipe("? [data]\n: 3"), Refused("expects a key"));
}

TEST(ParseRecipe, KeyGivenTwiceIsRefused) {
  EXPECT_THAT(ParseRecipe("data:\n  workers: 1\n  workers: 1\n"),
              Refused("line 3: data.workers: given twice, first in line 2"));
}

TEST(ParseRecipe, TwoKindsAtOnceAreRefused) {
  EXPECT_THAT(ParseRecipe("pretrain: {}\nfinetune: {}\n"), Refused("line 2: finetune", "kind pretrain"));
}

TEST(ParseRecipe, WhatIsNoSingleYamlDocumentIsRefused) {
  EXPECT_THAT(ParseRecipe("pretrain: {\n"), Refused("not YAML"));
  EXPECT_THAT(ParseRecipe("a: b: c"), Refused("line 1"));
  EXPECT_THAT(ParseRecipe("a: *nowhere"), Refused("not YAML"));
  EXPECT_THAT(ParseRecipe(std::string(100000, '[')), Refused("not YAML"));
  EXPECT_THAT(ParseRecipe("pretrain: {}\n---\nfinetune: {}\n"), Refused("several"));
  for (const char* empty : {"", "# only a comment\n", "~"}) EXPECT_THAT(ParseRecipe(empty), Refused("empty"));
}

// yaml-cpp finds documents in it without end.
TEST(ParseRecipe, AStrayCommaAtTheStartEnds) {
  for (const char* yaml : {", 1]", ",", ", 1]\npretrain: {}\n"}) EXPECT_THAT(ParseRecipe(yaml), Not(IsOk()));
}

TEST(ParseRecipe, AliasThatHoldsItselfEnds) {
  EXPECT_THAT(ParseRecipe("pretrain: &a\n  model: *a\n"), Not(IsOk()));
}

TEST(ApplyOverride, SetsOneFieldAndLeavesTheOthers) {
  auto spec = ParseRecipe("pretrain: {model: {preset: nano, depth: 3}}\ndata: {mean: [1, 2]}").value();
  EXPECT_THAT(ApplyOverride("pretrain.mask_ratio=0.5", spec), IsOk());
  EXPECT_THAT(ApplyOverride("pretrain.model.decoder.depth=7", spec), IsOk());
  EXPECT_THAT(ApplyOverride("data.mean=[0.5]", spec), IsOk());
  EXPECT_THAT(ApplyOverride("data.dataset=a=b", spec), IsOk());
  EXPECT_THAT(ApplyOverride("schedule.unit=epoch", spec), IsOk());
  EXPECT_THAT(ApplyOverride("resources={threads: 2}", spec), IsOk());
  EXPECT_EQ(spec.pretrain().mask_ratio(), 0.5);
  EXPECT_EQ(spec.pretrain().model().preset(), "nano");
  EXPECT_EQ(spec.pretrain().model().depth(), 3);
  EXPECT_EQ(spec.pretrain().model().decoder().depth(), 7);
  EXPECT_THAT(spec.data().mean(), ElementsAre(0.5));
  EXPECT_EQ(spec.data().dataset(), "a=b");
  EXPECT_EQ(spec.schedule().unit(), v1::SCHEDULE_UNIT_EPOCH);
  EXPECT_EQ(spec.resources().threads(), 2);
}

TEST(ApplyOverride, SetsAKindWhereThereIsNone) {
  v1::JobSpec spec;
  EXPECT_THAT(ApplyOverride("finetune.from_model=models/m@latest", spec), IsOk());
  EXPECT_EQ(spec.finetune().from_model(), "models/m@latest");
}

TEST(ApplyOverride, EmptyValueUnsets) {
  auto spec = ParseRecipe("pretrain: {mask_ratio: 0.5, model: {preset: nano}}").value();
  EXPECT_THAT(ApplyOverride("pretrain.mask_ratio=", spec), IsOk());
  EXPECT_THAT(ApplyOverride("pretrain.model.preset=", spec), IsOk());
  EXPECT_FALSE(spec.pretrain().has_mask_ratio());
  EXPECT_EQ(spec.pretrain().model().preset(), "");
}

TEST(ApplyOverride, RefusesWhatARecipeMayNotSayAndChangesNothing) {
  const auto before = ParseRecipe("pretrain: {mask_ratio: 0.5}").value();
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"data.batch_sise=3", "data.batch_sise: unknown key (did you mean 'batch_size'?)"},
      {"dat.batch_size=3", "dat: unknown key"},
      {"batch_size=3", "belongs at data.batch_size"},
      {"data.batch_size=1.5", "data.batch_size: expects a whole number"},
      {"data.batch_size.more=1", "data.batch_size: has no field more inside"},
      {"data.mean.0=1", "data.mean: has no field 0 inside"},
      {"finetune.drop_path=0.1", "kind pretrain already"},
      {"finetune.drop_path=", "kind pretrain already"},
      {"data={workers: 2, batch: 1}", "data.batch: unknown key"},
      {"data..workers=2", "unknown key"},
      {".=2", "unknown key"},
      {"precision=fp16", "precision: expects one of"},
      {"data.mean=[1", "not YAML"},
      {"data.batch_size", "is not path.to.field=value"},
      {"=3", "is not path.to.field=value"},
      {"", "is not path.to.field=value"},
  };
  for (const auto& [assignment, message] : refused) {
    auto spec = before;
    EXPECT_THAT(ApplyOverride(assignment, spec), Refused(message)) << assignment;
    EXPECT_TRUE(MessageDifferencer::Equals(spec, before)) << assignment;
  }
}

TEST(RecipeToYaml, EveryFieldComesBack) {
  for (const auto& kind : JobKinds()) {
    for (const int variant : {0, 1}) {
      const auto spec = FilledSpec(kind, variant);
      const auto read = ParseRecipe(RecipeToYaml(spec));
      ASSERT_THAT(read, IsOk()) << RecipeToYaml(spec);
      EXPECT_TRUE(MessageDifferencer::Equals(*read, spec)) << RecipeToYaml(spec);
    }
  }
}

TEST(RecipeToYaml, OddStringsComeBack) {
  for (const char* text : {"~", "null", "true", "1.5", " padded ", "a: b", "# no comment", "- a",
                           "two\nlines", "\"quoted\"", "'", "ünïcode", "*a", "&a", "!tag", "[", "}"}) {
    v1::JobSpec spec;
    spec.mutable_data()->set_dataset(text);
    spec.mutable_publish()->add_aliases(text);
    const auto read = ParseRecipe(RecipeToYaml(spec));
    ASSERT_THAT(read, IsOk()) << RecipeToYaml(spec);
    EXPECT_EQ(read->data().dataset(), text);
    EXPECT_THAT(read->publish().aliases(), ElementsAre(text));
  }
}

TEST(RecipeToYaml, HasWhatIsSetAndNumbersAndSwitchesThatHoldUnset) {
  v1::JobSpec spec;
  spec.mutable_pretrain();
  spec.mutable_resources()->set_max_restarts(0);
  EXPECT_EQ(RecipeToYaml(spec),
            "pretrain:\n  norm_pix_loss: false\nseed: 0\nresources:\n  threads: 0\n  max_restarts: 0\n"
            "  recompute_activations: false\n");
}

TEST(RecipeToYaml, EmptyPartsInsideOthersComeBack) {
  v1::JobSpec spec;
  spec.mutable_finetune()->mutable_model()->mutable_decoder();
  const auto read = ParseRecipe(RecipeToYaml(spec));
  ASSERT_THAT(read, IsOk()) << RecipeToYaml(spec);
  EXPECT_TRUE(MessageDifferencer::Equals(*read, spec));
}

}  // namespace
}  // namespace mae
