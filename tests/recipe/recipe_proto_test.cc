#include "recipe/recipe_proto.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "tests/fakes/status_matchers.h"
#include "tests/recipe/filled_spec.h"

namespace mae {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::ElementsAre;
using testing::HasSubstr;

std::string Difference(const v1::JobSpec& left, const v1::JobSpec& right) {
  std::string report;
  MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&report);
  differencer.Compare(left, right);
  return report;
}

TEST(RecipeProto, EveryFieldOfASpecComesBackFromOptions) {
  for (const auto& kind : JobKinds()) {
    for (const int variant : {0, 1}) {
      const v1::JobSpec spec = FilledSpec(kind, variant);
      const auto options = OptionsFromSpec(spec);
      ASSERT_THAT(options, IsOk());
      EXPECT_EQ(Difference(spec, SpecFromOptions(*options)), "") << kind;
    }
  }
}

TEST(RecipeProto, DefaultOptionsComeBackFromTheirSpec) {
  JobOptions pretrain;
  EXPECT_THAT(OptionsFromSpec(SpecFromOptions(pretrain)), IsOkAndHolds(pretrain));
  JobOptions finetune;
  finetune.kind = FinetuneOptions();
  EXPECT_THAT(OptionsFromSpec(SpecFromOptions(finetune)), IsOkAndHolds(finetune));
  JobOptions probe;
  probe.kind = LinearProbeOptions();
  EXPECT_THAT(OptionsFromSpec(SpecFromOptions(probe)), IsOkAndHolds(probe));
  probe.kind = KnnProbeOptions();
  EXPECT_THAT(OptionsFromSpec(SpecFromOptions(probe)), IsOkAndHolds(probe));
  probe.kind = EvaluateOptions();
  EXPECT_THAT(OptionsFromSpec(SpecFromOptions(probe)), IsOkAndHolds(probe));
}

TEST(RecipeProto, UnsetFieldsKeepTheDefaultsOfTheStructs) {
  v1::JobSpec spec;
  spec.mutable_pretrain();
  const auto options = OptionsFromSpec(spec);
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(std::get<PretrainOptions>(options->kind), PretrainOptions());
  EXPECT_EQ(options->optimizer, OptimizerOptions());
  EXPECT_EQ(options->precision, Precision::kBf16);
  EXPECT_EQ(options->data.batch_size, 256);
  EXPECT_EQ(options->device, "auto");
  EXPECT_EQ(options->pictures, 6);
  EXPECT_TRUE(options->cuda_graphs);
}

TEST(RecipeProto, ZeroThatIsSetIsNotADefault) {
  v1::JobSpec spec;
  spec.mutable_finetune();
  spec.mutable_logging()->set_pictures(0);
  spec.mutable_resources()->set_cuda_graphs(false);
  spec.mutable_optimizer()->set_weight_decay(0);
  const auto options = OptionsFromSpec(spec);
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->pictures, 0);
  EXPECT_FALSE(options->cuda_graphs);
  EXPECT_EQ(options->optimizer.weight_decay, 0);
}

TEST(RecipeProto, ValuesLandInTheirOwnFields) {
  v1::JobSpec spec;
  spec.mutable_finetune()->set_pooling(v1::POOLING_TOKEN);
  spec.mutable_finetune()->mutable_model()->set_image_height(24);
  spec.mutable_finetune()->mutable_model()->set_image_width(40);
  spec.mutable_data()->add_std(0.25);
  spec.mutable_augmentation()->set_horizontal_flip(true);
  spec.mutable_augmentation()->mutable_random_erasing()->set_area_max(0.5);
  spec.mutable_finetune()->set_position_resampling(v1::POSITION_RESAMPLING_BICUBIC_ANTIALIASED);
  spec.mutable_schedule()->set_unit(v1::SCHEDULE_UNIT_EPOCH);
  const auto options = OptionsFromSpec(spec);
  ASSERT_THAT(options, IsOk());
  const auto& model = std::get<FinetuneOptions>(options->kind).model;
  EXPECT_EQ(model.pooling, Pooling::kToken);
  EXPECT_EQ(model.encoder.image_height, 24);
  EXPECT_EQ(model.encoder.image_width, 40);
  EXPECT_THAT(options->data.std_dev, ElementsAre(0.25));
  EXPECT_TRUE(options->augmentation.horizontal_flip);
  ASSERT_TRUE(options->augmentation.random_erasing.has_value());
  EXPECT_EQ(options->augmentation.random_erasing->area_max, 0.5);
  EXPECT_FALSE(options->augmentation.rand_augment.has_value());
  EXPECT_EQ(std::get<FinetuneOptions>(options->kind).position_resampling,
            PositionResampling::kBicubicAntialiased);
  EXPECT_EQ(options->schedule.unit, ScheduleUnit::kEpoch);
}

TEST(RecipeProto, SpecWithoutKindIsRefused) {
  EXPECT_THAT(OptionsFromSpec(v1::JobSpec()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("pretrain, finetune")));
}

}  // namespace
}  // namespace mae
