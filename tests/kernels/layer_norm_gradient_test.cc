#include "kernels/layer_norm_gradient.h"

#include <gtest/gtest.h>

#include <functional>

#include "kernels/cpu_features.h"
#include "tests/kernels/bf16_values.h"

namespace mae {
namespace {

constexpr int64_t kRows = 5, kDim = 48;
constexpr double kEps = 1e-3;

// Sum of dy * layer_norm(x), in double.
double Objective(const std::vector<double>& x, const AlignedArray<uint16_t>& dy,
                 const std::vector<double>& weight, const std::vector<double>& bias) {
  double sum = 0;
  for (int64_t r = 0; r < kRows; ++r) {
    const double* const row = x.data() + r * kDim;
    double mean = 0, squares = 0;
    for (int64_t c = 0; c < kDim; ++c) mean += row[c] / kDim;
    for (int64_t c = 0; c < kDim; ++c) squares += (row[c] - mean) * (row[c] - mean) / kDim;
    for (int64_t c = 0; c < kDim; ++c) {
      const auto at = static_cast<size_t>(c);
      sum += static_cast<double>(ToFloat(dy.data()[r * kDim + c])) *
             ((row[c] - mean) / std::sqrt(squares + kEps) * weight[at] + bias[at]);
    }
  }
  return sum;
}

std::vector<double> Doubles(const std::vector<float>& values) { return {values.begin(), values.end()}; }

// By the difference quotient of Objective.
double Slope(std::vector<double>& values, size_t at, const std::function<double()>& objective) {
  const double step = 1e-5, value = values[at];
  values[at] = value + step;
  const double above = objective();
  values[at] = value - step;
  const double below = objective();
  values[at] = value;
  return (above - below) / (2 * step);
}

TEST(LayerNormGradient, IsTheSlopeAndIsAdded) {
  if (!HasAvx512Bf16()) GTEST_SKIP() << "no AVX-512 bfloat16 on this processor";
  const auto x = NormalValues(kRows * kDim, 2, 1), weight = NormalValues(kDim, 1, 2),
             bias = NormalValues(kDim, 1, 3);
  const auto dy = NormalBf16(kRows * kDim, 1, 4);
  std::vector<float> dx(x.size(), 0.5F), weights(kDim, 0.25F), biases(kDim, 0.125F);
  LayerNormGradient(x.data(), dy.data(), kRows, kDim, weight.data(), static_cast<float>(kEps), dx.data(),
                    dx.data(), weights.data(), biases.data());
  auto moved_x = Doubles(x), moved_weight = Doubles(weight), moved_bias = Doubles(bias);
  const auto objective = [&] { return Objective(moved_x, dy, moved_weight, moved_bias); };
  for (size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(dx[i], 0.5 + Slope(moved_x, i, objective), 1e-4) << i;
  for (size_t c = 0; c < weight.size(); ++c) {
    ASSERT_NEAR(weights[c], 0.25 + Slope(moved_weight, c, objective), 1e-4) << c;
    ASSERT_NEAR(biases[c], 0.125 + Slope(moved_bias, c, objective), 1e-4) << c;
  }
}

}  // namespace
}  // namespace mae
