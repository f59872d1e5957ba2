#include "recipe/run_limits.h"

#include <gmock/gmock.h>

#include "tests/recipe/changed_recipes.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST(RunLimits, OptimizerOutsideItsLimitsIsRefused) {
  ExpectEachRefused(
      FashionContext(), kFinetune,
      {{"optimizer.momentum=1", "optimizer.momentum", "is 1; must be"},
       {"optimizer.trust_coefficient=0", "optimizer.trust_coefficient", "above 0"},
       {"optimizer.layer_decay=1.5", "optimizer.layer_decay", "is 1.5; must be above 0 and at most 1"},
       {"optimizer.layer_decay=-0.5", "optimizer.layer_decay", "is -0.5; must be above 0 and at most 1"},
       {"optimizer.ema_decay=1", "optimizer.ema_decay", "is 1; must be"},
       {"optimizer.accumulate_steps=0", "optimizer.accumulate_steps", "is 0; must be from 1"},
       {"optimizer.base_learning_rate=-1", "optimizer.base_learning_rate", "is -1"},
       {"schedule.cosine_learning_rate=-1", "schedule.cosine_learning_rate", "is -1"},
       {"schedule={shape: capped_cosine, start_learning_rate: 0.1}", "schedule.start_learning_rate",
        "capped_cosine"},
       {"schedule={shape: capped_cosine, cosine_learning_rate: 0.1}", "schedule.cosine_learning_rate",
        "capped_cosine"}});
  ExpectEachTaken(FashionContext(), kFinetune,
                  {"optimizer.layer_decay=0.65", "optimizer.ema_decay=0.9999", "optimizer.algorithm=sgd",
                   "optimizer.base_learning_rate=1e-3"});
  ExpectEachRefused(FashionContext(), kPretrain,
                    {{"optimizer.layer_decay=0.75", "optimizer.layer_decay", "only fine-tuning has it"}});
}

TEST(RunLimits, TwoLearningRatesThatDisagreeAreRefused) {
  auto spec = Recipe(kPretrain);
  ASSERT_THAT(ApplyOverride("optimizer={learning_rate: 0.1, base_learning_rate: 1e-3}", spec), IsOk());
  EXPECT_THAT(Resolve(FashionContext(), spec),
              ElementsAre(AllOf(StartsWith("optimizer.base_learning_rate: is 0.001"), HasSubstr("0.1"),
                                HasSubstr("256 x 1 images"))));
}

// 60,000 images in batches of 256 are 235 an epoch, 1175 in five.
TEST(RunLimits, AccumulationThatWouldNeverStepIsRefused) {
  ExpectEachTaken(FashionContext(), kPretrain,
                  {"optimizer.accumulate_steps=1175", "optimizer.accumulate_steps=236"});
  ExpectEachRefused(
      FashionContext(), kPretrain,
      {{"optimizer.accumulate_steps=1176", "optimizer.accumulate_steps", "1175 batches (235 an epoch)"}});
}

}  // namespace
}  // namespace mae
