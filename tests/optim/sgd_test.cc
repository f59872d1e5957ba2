#include "optim/sgd.h"

#include <gtest/gtest.h>

#include "tests/optim/reference_run.h"

namespace mae {
namespace {

TEST(Sgd, StepsAreThoseOfPyTorch) {
  const ReferenceRun reference;
  auto model = reference.Model();
  OptimizerOptions options;
  options.weight_decay = ReferenceRun::kWeightDecay;
  Sgd sgd(MakeParamGroups(*model, options, TrainingKind::kFinetune), options);
  for (int64_t step = 0; step < ReferenceRun::kSteps; ++step) {
    reference.Step(model, sgd, step);
    EXPECT_TRUE(reference.Equals(model, "sgd", step));
  }
}

TEST(Sgd, MomentumGathersOldGradients) {
  auto x = torch::zeros({1}).requires_grad_();
  OptimizerOptions options;
  options.momentum = 0.5;
  Sgd sgd({{{{"x", x}}, 0.0}}, options);
  x.mutable_grad() = torch::ones({1});
  sgd.Step(1.0);
  sgd.Step(1.0);
  EXPECT_FLOAT_EQ(x.item<float>(), -1.0F - 1.5F);
}

TEST(Sgd, AParameterWithoutGradientStays) {
  auto x = torch::ones({1}).requires_grad_();
  Sgd sgd({{{{"x", x}}, 0.5}}, OptimizerOptions());
  sgd.Step(1.0);
  EXPECT_EQ(x.item<float>(), 1.0F);
}

}  // namespace
}  // namespace mae
