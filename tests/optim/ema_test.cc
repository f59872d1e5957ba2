#include "optim/ema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "optim/adamw.h"
#include "tests/fakes/status_matchers.h"
#include "tests/optim/reference_run.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// One weight w that starts at 1, and one that is frozen.
struct Pair : torch::nn::Module {
  Pair() {
    w = register_parameter("w", torch::ones({1}));
    frozen = register_parameter("frozen", torch::ones({1}), /*requires_grad=*/false);
  }
  void Set(double value) {
    const torch::NoGradGuard no_grad;
    w.fill_(value);
  }
  torch::Tensor w, frozen;
};

TEST(Ema, AveragesAreThoseOfPyTorch) {
  const ReferenceRun reference;
  auto model = reference.Model();
  OptimizerOptions options;
  options.beta2 = 0.999;
  options.layer_decay = ReferenceRun::kLayerDecay;
  AdamW adamw(MakeParamGroups(*model, options, TrainingKind::kFinetune), options);
  Ema ema(*model, ReferenceRun::kEmaDecay);
  for (int64_t step = 0; step < ReferenceRun::kSteps; ++step) {
    reference.Step(model, adamw, step);
    ema.Update();
    const AveragedWeights averaged(&ema);
    EXPECT_TRUE(reference.Equals(model, "ema", step));
  }
}

TEST(Ema, ScopeShowsTheAverageAndPutsTheWeightsBack) {
  Pair module;
  Ema ema(module, 0.75);
  module.Set(5.0);
  ema.Update();
  {
    const AveragedWeights averaged(&ema);
    EXPECT_FLOAT_EQ(module.w.item<float>(), 0.75F * 1.0F + 0.25F * 5.0F);
    EXPECT_EQ(module.frozen.item<float>(), 1.0F);
  }
  EXPECT_EQ(module.w.item<float>(), 5.0F);
  ema.Update();
  const AveragedWeights averaged(&ema);
  EXPECT_FLOAT_EQ(module.w.item<float>(), 0.75F * 2.0F + 0.25F * 5.0F);
}

TEST(Ema, WithoutOneTheScopeDoesNothing) { const AveragedWeights nothing(nullptr); }

TEST(Ema, GoesOnFromItsState) {
  Pair module, other;
  Ema ema(module, 0.5), resumed(other, 0.5);
  module.Set(3.0);
  ema.Update();
  EXPECT_EQ(ema.State().size(), 1U);
  ASSERT_THAT(resumed.LoadState(ema.State()), IsOk());
  const AveragedWeights averaged(&resumed);
  EXPECT_FLOAT_EQ(other.w.item<float>(), 2.0F);
}

TEST(Ema, RefusesAStateThatLacksIt) {
  Pair module;
  Ema ema(module, 0.5);
  EXPECT_THAT(ema.LoadState({{"w", torch::ones({1})}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("average of the weights"), HasSubstr("w.ema is missing"))));
}

}  // namespace
}  // namespace mae
