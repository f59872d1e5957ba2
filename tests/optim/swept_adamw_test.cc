#include "optim/swept_adamw.h"

#include <gtest/gtest.h>

#include "kernels/cpu_features.h"
#include "optim/grad_clip.h"

namespace mae {
namespace {

constexpr int64_t kSteps = 20;
constexpr double kRates[] = {1e-3, 0.0, 2e-2};  // of each third step

// Parameters of awkward sizes, one of them over several pieces of the sweep and one without gradient.
struct Weights : torch::nn::Module {
  Weights() {
    auto generator = at::detail::createCPUGenerator(5);
    int64_t index = 0;
    for (const std::vector<int64_t>& shape :
         std::vector<std::vector<int64_t>>{{1}, {15}, {16}, {33, 5}, {131, 97}, {7}}) {
      register_parameter("w" + std::to_string(index++), torch::randn(shape, generator));
    }
  }
};

OptimizerOptions Options() {
  OptimizerOptions options;
  options.beta1 = 0.9;
  options.beta2 = 0.95;
  options.weight_decay = 0.05;
  return options;
}

// A module with its optimizer and averages, trained on gradients that depend on the step alone.
template <typename Rule>
struct Training {
  explicit Training(double ema_decay)
      : rule(MakeParamGroups(weights, Options(), TrainingKind::kPretrain), Options()),
        ema(weights, ema_decay) {
    rule.SetEma(&ema);
  }

  void Step(int64_t step) {
    auto generator = at::detail::createCPUGenerator(static_cast<uint64_t>(100 + step));
    // Each third step is not clipped.
    const double size = step % 3 == 0 ? 1e-3 : 0.3;
    for (auto& item : weights.named_parameters()) {
      if (item.key() == "w5") continue;
      item.value().mutable_grad() = size * torch::randn(item.value().sizes(), generator);
    }
    rule.Step(kRates[step % 3], ClipScale(GradNorm(rule.Gradients()), 1.0));
    rule.ZeroGrad();
  }

  // What a checkpoint holds.
  NamedParameters State() const {
    NamedParameters state = rule.State();
    for (auto& average : ema.State()) state.push_back(average);
    for (auto& item : weights.named_parameters()) state.emplace_back(item.key(), item.value().detach());
    return state;
  }

  Weights weights;
  Rule rule;
  Ema ema;
};

class SweptAdamWTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!HasAvx512Bf16()) GTEST_SKIP() << "no AVX-512 bfloat16";
  }
};

// Of the size of the values: a few units in the last place.
constexpr double kUlp = 1.2e-7;

void ExpectCloseStates(const NamedParameters& wanted, const NamedParameters& state) {
  ASSERT_EQ(wanted.size(), state.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_EQ(wanted[i].first, state[i].first);
    EXPECT_TRUE(torch::allclose(state[i].second, wanted[i].second, 8 * kUlp, 8 * kUlp))
        << state[i].first << " by " << (state[i].second - wanted[i].second).abs().max().item<double>();
  }
}

TEST_F(SweptAdamWTest, ClippedStepsAndAveragesAreThoseOfSeparatePasses) {
  for (const double ema_decay : {0.99, 0.3}) {  // torch.lerp goes from either end
    Training<AdamW> separate(ema_decay);
    Training<SweptAdamW> swept(ema_decay);
    for (int64_t step = 0; step < kSteps; ++step) {
      separate.Step(step);
      swept.Step(step);
    }
    ExpectCloseStates(separate.State(), swept.State());
  }
}

TEST_F(SweptAdamWTest, IsTheSameBitForBitOnAnyNumberOfThreads) {
  Training<SweptAdamW> many(0.9), one(0.9);
  const int threads = at::get_num_threads();
  for (int64_t step = 0; step < 3; ++step) {
    at::set_num_threads(3);
    many.Step(step);
    at::set_num_threads(1);
    one.Step(step);
  }
  at::set_num_threads(threads);
  const auto wanted = one.State(), state = many.State();
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_TRUE(torch::equal(wanted[i].second, state[i].second));
}

TEST_F(SweptAdamWTest, GoesOnFromItsStateBitForBit) {
  Training<SweptAdamW> whole(0.9), resumed(0.9);
  for (int64_t step = 0; step < 5; ++step) whole.Step(step);
  const auto state = whole.State();
  ASSERT_TRUE(resumed.rule.LoadState(state).ok() && resumed.ema.LoadState(state).ok());
  for (auto& item : resumed.weights.named_parameters()) {
    const torch::NoGradGuard no_grad;
    item.value().copy_(whole.weights.named_parameters()[item.key()]);
  }
  for (int64_t step = 5; step < 10; ++step) {
    whole.Step(step);
    resumed.Step(step);
  }
  const auto wanted = whole.State(), got = resumed.State();
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_TRUE(torch::equal(wanted[i].second, got[i].second)) << wanted[i].first;
  }
}

TEST_F(SweptAdamWTest, WeightsAndAveragesHaveALaterVersion) {
  Training<SweptAdamW> training(0.9);
  const torch::Tensor weight = *training.weights.named_parameters().find("w3");
  const auto average = training.ema.AverageOf(weight);
  const auto weight_version = weight._version(), average_version = average._version();
  training.Step(0);
  EXPECT_GT(weight._version(), weight_version);
  EXPECT_GT(average._version(), average_version);
}

TEST_F(SweptAdamWTest, TakesGradientsThatAreNoPlainMemory) {
  auto swept_weight = torch::ones({40, 30}).requires_grad_(), weight = torch::ones({40, 30}).requires_grad_();
  SweptAdamW swept({{{{"x", swept_weight}}, 0.1}}, Options());
  AdamW separate({{{{"x", weight}}, 0.1}}, Options());
  const auto gradient = torch::linspace(-1.0, 1.0, 1200).reshape({30, 40}).t();
  swept_weight.mutable_grad() = gradient;
  weight.mutable_grad() = gradient.contiguous();
  swept.Step(0.1);
  separate.Step(0.1);
  EXPECT_TRUE(torch::allclose(swept_weight, weight, 8 * kUlp, 8 * kUlp));
}

TEST_F(SweptAdamWTest, IsWhatAJobOnACpuGets) {
  auto plain = torch::ones({3}).requires_grad_(), wide = torch::ones({3}, torch::kFloat64).requires_grad_();
  const auto made = [](const torch::Tensor& x) { return MakeOptimizer({{{{"x", x}}, 0.0}}, Options()); };
  EXPECT_NE(dynamic_cast<SweptAdamW*>(made(plain).get()), nullptr);
  EXPECT_EQ(dynamic_cast<SweptAdamW*>(made(wide).get()), nullptr);
}

}  // namespace
}  // namespace mae
