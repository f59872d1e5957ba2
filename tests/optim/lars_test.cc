#include "optim/lars.h"

#include <gtest/gtest.h>

#include "tests/optim/reference_run.h"

namespace mae {
namespace {

OptimizerOptions LarsOptions(double weight_decay, WeightDecayScope scope = WeightDecayScope::kMatrices) {
  OptimizerOptions options;
  options.weight_decay = weight_decay;
  options.weight_decay_scope = scope;
  return options;
}

void ExpectSteps(const OptimizerOptions& options, const std::string& prefix) {
  const ReferenceRun reference;
  auto model = reference.Model();
  Lars lars(MakeParamGroups(*model, options, TrainingKind::kFinetune), options);
  for (int64_t step = 0; step < ReferenceRun::kSteps; ++step) {
    reference.Step(model, lars, step);
    EXPECT_TRUE(reference.Equals(model, prefix, step));
  }
}

TEST(Lars, StepsAreThoseOfTheReference) { ExpectSteps(LarsOptions(ReferenceRun::kWeightDecay), "lars"); }

TEST(Lars, ScalesMatricesWithoutWeightDecayToo) { ExpectSteps(LarsOptions(0.0), "lars_plain"); }

// By hand: |x| = 5, |g| = 10, trust 1e-3: d = g * 5e-4.
TEST(Lars, AMatrixMovesByItsOwnNorm) {
  auto x = torch::tensor({{3.0F, 4.0F}}).requires_grad_();
  Lars lars({{{{"x", x}}, 0.0}}, LarsOptions(0.0));
  x.mutable_grad() = torch::tensor({{6.0F, 8.0F}});
  lars.Step(1.0);
  EXPECT_FLOAT_EQ(x[0][0].item<float>(), 3.0F - 0.003F);
  EXPECT_FLOAT_EQ(x[0][1].item<float>(), 4.0F - 0.004F);
}

TEST(Lars, ABiasMovesByTheRateItself) {
  auto bias = torch::tensor({3.0F, 4.0F}).requires_grad_();
  Lars lars({{{{"bias", bias}}, 0.0}}, LarsOptions(0.0));
  bias.mutable_grad() = torch::tensor({1.0F, 0.0F});
  lars.Step(6.4);
  EXPECT_FLOAT_EQ(bias[0].item<float>(), 3.0F - 6.4F);
}

TEST(Lars, AMatrixOfZerosMovesByItsGradient) {
  auto x = torch::zeros({1, 2}).requires_grad_();
  Lars lars({{{{"x", x}}, 0.0}}, LarsOptions(0.0));
  x.mutable_grad() = torch::tensor({{1.0F, 2.0F}});
  lars.Step(0.5);
  EXPECT_FLOAT_EQ(x[0][1].item<float>(), -1.0F);
  x.mutable_grad() = torch::zeros({1, 2});
  lars.Step(0.5);
  EXPECT_FLOAT_EQ(x[0][1].item<float>(), -1.9F) << "momentum alone";
}

}  // namespace
}  // namespace mae
