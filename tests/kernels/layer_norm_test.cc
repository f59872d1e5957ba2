#include "kernels/layer_norm.h"

#include <gtest/gtest.h>

#include "kernels/cpu_features.h"
#include "tests/kernels/bf16_values.h"

namespace mae {
namespace {

TEST(LayerNormToBf16, IsThatOfEachRow) {
  if (!HasAvx512Bf16()) GTEST_SKIP() << "no AVX-512 bfloat16 on this processor";
  constexpr int64_t kRows = 3, kDim = 48;
  auto x = NormalValues(kRows * kDim, 2, 1);
  for (size_t i = kDim; i < 2 * kDim; ++i) x[i] += 100;   // a mean far from 0
  for (size_t i = 2 * kDim; i < 3 * kDim; ++i) x[i] = 7;  // no variance: epsilon alone
  const auto weight = NormalValues(kDim, 1, 2), bias = NormalValues(kDim, 1, 3);
  std::vector<uint16_t> y(kRows * kDim);
  WorkTeam alone;
  LayerNormToBf16(x.data(), kRows, kDim, weight.data(), bias.data(), 1e-6F, alone, y.data());
  for (int64_t r = 0; r < kRows; ++r) {
    const float* row = x.data() + r * kDim;
    double mean = 0, variance = 0;
    for (int64_t c = 0; c < kDim; ++c) mean += row[c] / static_cast<double>(kDim);
    for (int64_t c = 0; c < kDim; ++c)
      variance += (row[c] - mean) * (row[c] - mean) / static_cast<double>(kDim);
    for (int64_t c = 0; c < kDim; ++c) {
      const auto column = static_cast<size_t>(c);
      const double exact = (row[c] - mean) / std::sqrt(variance + 1e-6) * weight[column] + bias[column];
      EXPECT_NEAR(ToFloat(y[static_cast<size_t>(r * kDim + c)]), exact, Bf16Tolerance(exact, 1e-4))
          << r << ' ' << c;
    }
  }
}

}  // namespace
}  // namespace mae
