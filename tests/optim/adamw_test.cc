#include "optim/adamw.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/masked_autoencoder.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

OptimizerOptions Options() {
  OptimizerOptions options;
  options.beta1 = 0.9;
  options.beta2 = 0.95;
  options.epsilon = 1e-8;
  return options;
}

torch::Tensor Parameter(std::vector<double> values) {
  return torch::tensor(values).to(torch::kFloat32).requires_grad_();
}

void SetGradient(torch::Tensor& parameter, std::vector<double> values) {
  parameter.mutable_grad() = torch::tensor(values).to(torch::kFloat32);
}

TEST(AdamW, FirstStepIsTheSignOfTheGradientAfterDecay) {
  // By hand: m/(1-b1) = g, v/(1-b2) = g^2, so x = x (1 - 0.1*0.5) - 0.1 * g/|g|.
  auto x = Parameter({1.0, -2.0});
  AdamW adamw({{{{"x", x}}, 0.5}}, Options());
  SetGradient(x, {4.0, -0.25});
  adamw.Step(0.1);
  EXPECT_NEAR(x[0].item<float>(), 0.95 - 0.1, 1e-6);
  EXPECT_NEAR(x[1].item<float>(), -1.9 + 0.1, 1e-6);
}

// Algorithm 2 of the paper in double.
struct Scalar {
  double x, m = 0.0, v = 0.0;
  void Step(int t, double g, double rate, double decay) {
    m = 0.9 * m + 0.1 * g;
    v = 0.95 * v + 0.05 * g * g;
    const double m_hat = m / (1.0 - std::pow(0.9, t)), v_hat = v / (1.0 - std::pow(0.95, t));
    x -= rate * decay * x;
    x -= rate * m_hat / (std::sqrt(v_hat) + 1e-8);
  }
};

TEST(AdamW, FollowsThePaperOverStepsOfChangingRate) {
  auto x = Parameter({0.7}), y = Parameter({-1.3});
  Scalar by_hand_x{0.7}, by_hand_y{-1.3};
  AdamW adamw({{{{"x", x}}, 0.0}, {{{"y", y}}, 0.05}}, Options());
  for (int t = 1; t <= 20; ++t) {
    const double gradient = std::sin(1.7 * t), rate = 0.01 * t;
    SetGradient(x, {gradient});
    SetGradient(y, {2.0 * gradient});
    adamw.Step(rate);
    by_hand_x.Step(t, gradient, rate, 0.0);
    by_hand_y.Step(t, 2.0 * gradient, rate, 0.05);
    ASSERT_NEAR(x.item<float>(), by_hand_x.x, 2e-6 * t) << t;
    ASSERT_NEAR(y.item<float>(), by_hand_y.x, 2e-6 * t) << t;
  }
}

TEST(AdamW, LongParametersFollowThePaperInEveryElement) {
  // Longer than a vector register and no multiple of one, so that the kernel's tail is covered.
  auto x = torch::linspace(-1.0, 1.0, 1003).requires_grad_();
  AdamW adamw({{{{"x", x}}, 0.1}}, Options());
  const auto start = x.detach().clone();
  for (int t = 1; t <= 3; ++t) {
    x.mutable_grad() = torch::linspace(3.0, -1.0, 1003) * t;
    adamw.Step(0.01);
  }
  for (const int64_t i : {0, 1, 7, 8, 15, 16, 500, 1000, 1001, 1002}) {
    Scalar by_hand{start[i].item<float>()};
    for (int t = 1; t <= 3; ++t)
      by_hand.Step(t, (3.0 - 4.0 * static_cast<double>(i) / 1002.0) * t, 0.01, 0.1);
    EXPECT_NEAR(x[i].item<float>(), by_hand.x, 1e-5) << i;
  }
}

TEST(AdamW, ParameterWithoutGradientStays) {
  auto x = Parameter({1.0}), y = Parameter({1.0});
  AdamW adamw({{{{"x", x}, {"y", y}}, 0.5}}, Options());
  SetGradient(x, {1.0});
  adamw.Step(0.1);
  EXPECT_NE(x.item<float>(), 1.0F);
  EXPECT_EQ(y.item<float>(), 1.0F);
  for (const auto& [name, tensor] : adamw.State()) {
    if (name == "x.step") {
      EXPECT_EQ(tensor.item<float>(), 1.0F);
    }
    if (name == "y.step") {
      EXPECT_EQ(tensor.item<float>(), 0.0F);
    }
  }
}

TEST(AdamW, ZeroGradForgetsGradients) {
  auto x = Parameter({1.0}), y = Parameter({1.0});
  AdamW adamw({{{{"x", x}}, 0.0}, {{{"y", y}}, 0.5}}, Options());
  SetGradient(y, {1.0});
  EXPECT_EQ(adamw.Gradients().size(), 1U);
  adamw.ZeroGrad();
  EXPECT_TRUE(adamw.Gradients().empty());
  EXPECT_FALSE(y.grad().defined());
  adamw.Step(0.1);
  EXPECT_EQ(y.item<float>(), 1.0F);
}

TEST(AdamW, LoadStateNamesEveryMissingAndMisshapenTensorAndChangesNothing) {
  auto x = Parameter({1.0}), y = Parameter({1.0, 2.0});
  AdamW adamw({{{{"x", x}, {"y", y}}, 0.5}}, Options());
  SetGradient(x, {1.0});
  adamw.Step(0.1);
  NamedParameters state = {{"x.exp_avg", torch::full({1}, 9.0)},
                           {"x.exp_avg_sq", torch::zeros({1})},
                           {"x.step", torch::zeros({})},
                           {"y.exp_avg", torch::zeros({3})},
                           {"y.step", torch::zeros({})}};
  EXPECT_THAT(adamw.LoadState(state),
              StatusIs(kInvalid, AllOf(HasSubstr("y.exp_avg has shape [3], not [2]"),
                                       HasSubstr("y.exp_avg_sq is missing"), Not(HasSubstr("x.exp_avg")))));
  EXPECT_NEAR(adamw.State()[0].second.item<float>(), 0.1, 1e-6);
}

// One step of a real model on a batch that depends on the step alone.
void TrainStep(MaskedAutoencoder& model, AdamW& adamw, int64_t step) {
  auto generator = at::detail::createCPUGenerator(static_cast<uint64_t>(step));
  const auto images = torch::rand({2, 3, 8, 8}, generator);
  const auto mask = MaskFromNoise(torch::rand({2, 4}, generator), 0.5);
  model->forward(images, mask).loss.backward();
  adamw.Step(1e-3 * static_cast<double>(1 + step));
  adamw.ZeroGrad();
}

MaskedAutoencoder Model() {
  torch::manual_seed(3);
  MaskedAutoencoderOptions options;
  options.encoder.image_height = options.encoder.image_width = 8;
  options.encoder.embed_dim = 16;
  options.encoder.depth = 1;
  options.encoder.num_heads = 2;
  options.decoder = {8, 1, 2};
  return MaskedAutoencoder(options);
}

TEST(AdamW, StateMakesAnotherOptimizerGoOnBitForBit) {
  auto whole = Model();
  AdamW straight(MakeParamGroups(*whole, Options(), TrainingKind::kPretrain), Options());
  for (int64_t step = 0; step < 10; ++step) TrainStep(whole, straight, step);

  auto first = Model(), second = Model();
  AdamW before(MakeParamGroups(*first, Options(), TrainingKind::kPretrain), Options());
  for (int64_t step = 0; step < 5; ++step) TrainStep(first, before, step);
  {
    torch::NoGradGuard no_grad;
    for (size_t i = 0; i < first->parameters().size(); ++i)
      second->parameters()[i].copy_(first->parameters()[i]);
  }
  AdamW after(MakeParamGroups(*second, Options(), TrainingKind::kPretrain), Options());
  ASSERT_THAT(after.LoadState(before.State()), IsOk());
  for (int64_t step = 5; step < 10; ++step) TrainStep(second, after, step);

  for (size_t i = 0; i < whole->parameters().size(); ++i) {
    EXPECT_TRUE(torch::equal(whole->parameters()[i], second->parameters()[i])) << i;
  }
}

}  // namespace
}  // namespace mae
