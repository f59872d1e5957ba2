#include "kernels/quantized_linear.h"

#include <gtest/gtest.h>

#include "kernels/cpu_features.h"
#include "tests/kernels/bf16_values.h"

namespace mae {
namespace {

class QuantizedLinearTest : public testing::Test {
 protected:
  static constexpr int64_t kRows = 13, kInputs = 80, kOutputs = 112;

  void SetUp() override {
    if (!HasAvx512Bf16()) GTEST_SKIP() << "no AVX-512 bfloat16 on this processor";
  }

  // From the levels themselves, so that only float32's rounding is left.
  double FromLevels(const QuantizedRows& rows, int64_t row, int64_t output) const {
    const float* weight = weight_.data() + output * kInputs;
    float largest = 0;
    for (int64_t i = 0; i < kInputs; ++i) largest = std::max(largest, std::abs(weight[i]));
    double sum = 0;
    for (int64_t i = 0; i < kInputs; ++i) {
      sum += (rows.levels()[row * kInputs + i] - rows.zero(row)) * std::round(weight[i] / (largest / 127.0F));
    }
    return sum * rows.scale(row) * largest / 127.0 + bias_[static_cast<size_t>(output)];
  }

  WorkTeam alone_;
  const std::vector<float> weight_ = NormalValues(kOutputs * kInputs, 0.1, 1),
                           bias_ = NormalValues(kOutputs, 1, 2);
  const AlignedArray<uint16_t> x_ = NormalBf16(kRows * kInputs, 1, 3);
};

TEST_F(QuantizedLinearTest, RowsKeepEveryValueWithinALevel) {
  auto values = NormalBf16(3 * 32, 1, 4);
  for (int64_t i = 32; i < 64; ++i)
    values.data()[i] = ToBf16(5.0F + 0.01F * static_cast<float>(i));  // far from 0
  for (int64_t i = 64; i < 96; ++i) values.data()[i] = 0;
  QuantizedRows rows(3, 32);
  rows.Set(values.data(), 3, 32, alone_);
  for (int64_t r = 0; r < 3; ++r) {
    for (int64_t c = 0; c < 32; ++c) {
      const int64_t at = r * 32 + c;
      const float back = rows.scale(r) * static_cast<float>(rows.levels()[at] - rows.zero(r));
      EXPECT_NEAR(back, ToFloat(values.data()[at]), 1.01 * static_cast<double>(rows.scale(r)))
          << r << ' ' << c;
    }
  }
}

TEST_F(QuantizedLinearTest, IsTheProductOfTheLevels) {
  const QuantizedLinear linear(weight_.data(), bias_.data(), kOutputs, kInputs);
  QuantizedRows rows(kRows, kInputs);
  rows.Set(x_.data(), kRows, kInputs, alone_);
  std::vector<float> y(kRows * kOutputs, 0.5F);
  std::vector<uint16_t> plain(kRows * kOutputs), gelu(kRows * kOutputs);
  linear.ForwardAdd(rows, alone_, y.data());
  linear.Forward(rows, alone_, plain.data());
  linear.ForwardGelu(rows, alone_, gelu.data());
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t o = 0; o < kOutputs; ++o) {
      const auto at = static_cast<size_t>(r * kOutputs + o);
      const double exact = FromLevels(rows, r, o), bent = exact * 0.5 * std::erfc(-exact / std::sqrt(2.0));
      ASSERT_NEAR(y[at], exact + 0.5, 1e-4) << r << ' ' << o;
      ASSERT_NEAR(ToFloat(plain[at]), exact, Bf16Tolerance(exact, 1e-4)) << r << ' ' << o;
      ASSERT_NEAR(ToFloat(gelu[at]), bent, Bf16Tolerance(bent, 1e-4)) << r << ' ' << o;
    }
  }
}

TEST_F(QuantizedLinearTest, WhatIsNoNumberStaysNone) {
  auto values = NormalBf16(2 * kInputs, 1, 5);
  values.data()[3] = 0x7fc0;            // NaN
  values.data()[kInputs + 7] = 0xff80;  // -inf
  QuantizedRows rows(2, kInputs);
  rows.Set(values.data(), 2, kInputs, alone_);
  std::vector<float> y(2 * kOutputs);
  QuantizedLinear(weight_.data(), bias_.data(), kOutputs, kInputs).ForwardAdd(rows, alone_, y.data());
  for (const float value : y) ASSERT_TRUE(std::isnan(value));
}

TEST_F(QuantizedLinearTest, IsNearTheExactProduct) {
  const QuantizedLinear linear(weight_.data(), bias_.data(), kOutputs, kInputs);
  QuantizedRows rows(kRows, kInputs);
  rows.Set(x_.data(), kRows, kInputs, alone_);
  std::vector<float> y(kRows * kOutputs);
  linear.ForwardAdd(rows, alone_, y.data());
  double error = 0;
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t o = 0; o < kOutputs; ++o) {
      double exact = bias_[static_cast<size_t>(o)];
      for (int64_t i = 0; i < kInputs; ++i) {
        exact += static_cast<double>(ToFloat(x_.data()[r * kInputs + i])) *
                 static_cast<double>(weight_[static_cast<size_t>(o * kInputs + i)]);
      }
      error += std::abs(static_cast<double>(y[static_cast<size_t>(r * kOutputs + o)]) - exact);
    }
  }
  EXPECT_LT(error / (kRows * kOutputs), 0.02);  // of values whose size is about 0.9
}

}  // namespace
}  // namespace mae
