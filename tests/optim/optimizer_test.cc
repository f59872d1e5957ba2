#include "optim/optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "optim/adamw.h"
#include "optim/lars.h"
#include "optim/sgd.h"
#include "tests/fakes/status_matchers.h"
#include "tests/optim/reference_run.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::HasSubstr;

OptimizerOptions OptionsOf(OptimizerAlgorithm algorithm) {
  OptimizerOptions options;
  options.algorithm = algorithm;
  options.beta2 = 0.999;
  options.weight_decay = ReferenceRun::kWeightDecay;
  return options;
}

std::vector<ParamGroup> GroupsOf(VisionTransformer& model, const OptimizerOptions& options) {
  return MakeParamGroups(*model, options, TrainingKind::kFinetune);
}

TEST(MakeOptimizer, MakesTheOneThatIsNamed) {
  const auto made = [](OptimizerAlgorithm algorithm) { return MakeOptimizer({}, OptionsOf(algorithm)); };
  EXPECT_NE(dynamic_cast<AdamW*>(made(OptimizerAlgorithm::kAdamW).get()), nullptr);
  EXPECT_NE(dynamic_cast<Lars*>(made(OptimizerAlgorithm::kLars).get()), nullptr);
  const auto sgd = made(OptimizerAlgorithm::kSgd);
  EXPECT_NE(dynamic_cast<Sgd*>(sgd.get()), nullptr);
  EXPECT_EQ(dynamic_cast<Lars*>(sgd.get()), nullptr);
}

TEST(Optimizer, AdamWStepsWithLayerDecayAreThoseOfPyTorchAndTimm) {
  const ReferenceRun reference;
  auto model = reference.Model();
  auto options = OptionsOf(OptimizerAlgorithm::kAdamW);
  options.layer_decay = ReferenceRun::kLayerDecay;
  AdamW adamw(GroupsOf(model, options), options);
  for (int64_t step = 0; step < ReferenceRun::kSteps; ++step) {
    reference.Step(model, adamw, step);
    EXPECT_TRUE(reference.Equals(model, "adamw", step));
  }
}

TEST(Optimizer, AGroupStepsAtItsShareOfTheRate) {
  auto full = torch::ones({1}).requires_grad_(), half = torch::ones({1}).requires_grad_();
  OptimizerOptions options;
  options.momentum = 0.0;
  Sgd sgd({{{{"full", full}}, 0.0}, {{{"half", half}}, 0.0, 0.5}}, options);
  full.mutable_grad() = torch::ones({1});
  half.mutable_grad() = torch::ones({1});
  sgd.Step(0.1);
  EXPECT_FLOAT_EQ(full.item<float>(), 0.9F);
  EXPECT_FLOAT_EQ(half.item<float>(), 0.95F);
}

class EveryOptimizer : public testing::TestWithParam<OptimizerAlgorithm> {};

TEST_P(EveryOptimizer, GoesOnFromItsStateBitForBit) {
  const ReferenceRun reference;
  const auto options = OptionsOf(GetParam());
  auto whole = reference.Model(), resumed = reference.Model();
  const auto straight = MakeOptimizer(GroupsOf(whole, options), options);
  reference.Step(whole, *straight, 1);
  straight->ZeroGrad();
  {
    const torch::NoGradGuard no_grad;
    for (auto& item : resumed->named_parameters()) item.value().copy_(whole->named_parameters()[item.key()]);
  }
  const auto second = MakeOptimizer(GroupsOf(resumed, options), options);
  ASSERT_THAT(second->LoadState(straight->State()), IsOk());
  reference.Step(whole, *straight, 2);
  reference.Step(resumed, *second, 2);
  for (const auto& item : whole->named_parameters()) {
    EXPECT_TRUE(torch::equal(item.value(), resumed->named_parameters()[item.key()])) << item.key();
  }
}

TEST_P(EveryOptimizer, KeepsGradientsThatWaitForMoreBatches) {
  auto x = torch::ones({2}).requires_grad_(), y = torch::ones({2}).requires_grad_();
  const auto options = OptionsOf(GetParam());
  const auto before = MakeOptimizer({{{{"x", x}}, 0.0}}, options);
  x.mutable_grad() = torch::full({2}, 3.0);
  const auto after = MakeOptimizer({{{{"x", y}}, 0.0}}, options);
  ASSERT_THAT(after->LoadState(before->State()), IsOk());
  ASSERT_TRUE(y.grad().defined());
  EXPECT_TRUE(torch::equal(y.grad(), x.grad()));
  EXPECT_FALSE(y.grad().is_alias_of(x.grad()));
}

TEST_P(EveryOptimizer, ForgetsGradientsThatItsStateLacks) {
  auto x = torch::ones({2}).requires_grad_();
  const auto options = OptionsOf(GetParam());
  const auto optimizer = MakeOptimizer({{{{"x", x}}, 0.0}}, options);
  const auto state = optimizer->State();
  x.mutable_grad() = torch::ones({2});
  ASSERT_THAT(optimizer->LoadState(state), IsOk());
  EXPECT_FALSE(x.grad().defined());
}

TEST_P(EveryOptimizer, RefusesAStateOfAnotherModelAndStaysAsItIs) {
  auto x = torch::ones({2}).requires_grad_();
  const auto options = OptionsOf(GetParam());
  const auto optimizer = MakeOptimizer({{{{"x", x}}, 0.0}}, options);
  auto state = optimizer->State();
  x.mutable_grad() = torch::ones({2});
  state.emplace_back("x.grad", torch::zeros({3}));
  EXPECT_THAT(optimizer->LoadState(state),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("x.grad has shape [3], not [2]"), HasSubstr("optimizer state"))));
  EXPECT_TRUE(x.grad().defined());
  EXPECT_THAT(optimizer->LoadState({}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("x.")));
}

INSTANTIATE_TEST_SUITE_P(All, EveryOptimizer,
                         testing::Values(OptimizerAlgorithm::kAdamW, OptimizerAlgorithm::kLars,
                                         OptimizerAlgorithm::kSgd));

}  // namespace
}  // namespace mae
