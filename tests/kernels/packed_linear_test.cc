#include "kernels/packed_linear.h"

#include <gtest/gtest.h>

#include "kernels/cpu_features.h"
#include "tests/kernels/bf16_values.h"

namespace mae {
namespace {

struct LinearShape {
  int64_t rows, inputs, outputs;
};

class PackedLinearTest : public testing::TestWithParam<LinearShape> {
 protected:
  void SetUp() override {
    if (!HasAvx512Bf16()) GTEST_SKIP() << "no AVX-512 bfloat16 on this processor";
  }

  double Exact(int64_t row, int64_t output) const {
    const auto [rows, inputs, outputs] = GetParam();
    double sum = bias_[static_cast<size_t>(output)];
    for (int64_t i = 0; i < inputs; ++i) {
      sum += static_cast<double>(ToFloat(x_.data()[row * inputs + i])) *
             static_cast<double>(ToFloat(ToBf16(weight_[static_cast<size_t>(output * inputs + i)])));
    }
    return sum;
  }

  template <typename Check>
  void ForEach(Check check) const {
    for (int64_t r = 0; r < GetParam().rows; ++r) {
      for (int64_t o = 0; o < GetParam().outputs; ++o) {
        check(r, o, static_cast<size_t>(r * GetParam().outputs + o));
      }
    }
  }

  WorkTeam alone_;
  const int64_t size_ = GetParam().rows * GetParam().outputs;
  const std::vector<float> weight_ = NormalValues(GetParam().outputs * GetParam().inputs, 0.1, 1);
  const std::vector<float> bias_ = NormalValues(GetParam().outputs, 1, 2);
  const AlignedArray<uint16_t> x_ = NormalBf16(GetParam().rows * GetParam().inputs, 1, 3);
};

TEST_P(PackedLinearTest, IsTheProductAndTheBias) {
  const auto [rows, inputs, outputs] = GetParam();
  const PackedLinear linear(weight_.data(), bias_.data(), outputs, inputs);
  std::vector<uint16_t> y(static_cast<size_t>(size_));
  linear.Forward(x_.data(), rows, alone_, y.data());
  ForEach([&](int64_t r, int64_t o, size_t at) {
    ASSERT_NEAR(ToFloat(y[at]), Exact(r, o), Bf16Tolerance(Exact(r, o))) << r << ' ' << o;
  });
}

TEST_P(PackedLinearTest, GeluIsTheExactOne) {
  const auto [rows, inputs, outputs] = GetParam();
  const PackedLinear linear(weight_.data(), bias_.data(), outputs, inputs);
  std::vector<uint16_t> y(static_cast<size_t>(size_));
  linear.ForwardGelu(x_.data(), rows, alone_, y.data());
  ForEach([&](int64_t r, int64_t o, size_t at) {
    const double exact = Exact(r, o), gelu = exact * 0.5 * std::erfc(-exact / std::sqrt(2.0));
    ASSERT_NEAR(ToFloat(y[at]), gelu, Bf16Tolerance(gelu)) << r << ' ' << o;
  });
}

TEST_P(PackedLinearTest, AddsToWhatIsThere) {
  const auto [rows, inputs, outputs] = GetParam();
  const PackedLinear linear(weight_.data(), bias_.data(), outputs, inputs);
  const auto before = NormalValues(size_, 1, 4);
  auto y = before;
  linear.ForwardAdd(x_.data(), rows, alone_, y.data());
  ForEach([&](int64_t r, int64_t o, size_t at) {
    ASSERT_NEAR(y[at], static_cast<double>(before[at]) + Exact(r, o), 2e-5) << r << ' ' << o;
  });
}

TEST_P(PackedLinearTest, ARowDoesNotDependOnTheOthers) {
  const auto [rows, inputs, outputs] = GetParam();
  const PackedLinear linear(weight_.data(), nullptr, outputs, inputs);
  std::vector<float> together(static_cast<size_t>(size_)), alone(static_cast<size_t>(size_));
  linear.ForwardAdd(x_.data(), rows, alone_, together.data());
  for (int64_t r = 0; r < rows; ++r) {
    linear.ForwardAdd(x_.data() + r * inputs, 1, alone_, alone.data() + r * outputs);
  }
  EXPECT_EQ(alone, together);
}

// One row and full tiles, panels of every width, an inner size that is not a panel's.
TEST_P(PackedLinearTest, TakesWeightsThatLieTheOtherWay) {
  const auto [rows, inputs, outputs] = GetParam();
  WorkTeam alone;
  std::vector<float> transposed(weight_.size());
  for (int64_t o = 0; o < outputs; ++o) {
    for (int64_t i = 0; i < inputs; ++i) {
      transposed[static_cast<size_t>(i * outputs + o)] = weight_[static_cast<size_t>(o * inputs + i)];
    }
  }
  PackedLinear linear(outputs, inputs);
  linear.SetTransposed(transposed.data(), 0, inputs / 2);
  linear.SetTransposed(transposed.data(), inputs / 2, inputs);
  const PackedLinear same(weight_.data(), nullptr, outputs, inputs);
  std::vector<uint16_t> y(static_cast<size_t>(size_)), wanted(y.size());
  linear.Forward(x_.data(), rows, alone, y.data());
  same.Forward(x_.data(), rows, alone, wanted.data());
  EXPECT_EQ(y, wanted);
}

TEST_P(PackedLinearTest, GoesBackThroughTheGelu) {
  const auto [rows, inputs, outputs] = GetParam();
  WorkTeam alone;
  const PackedLinear linear(weight_.data(), bias_.data(), outputs, inputs),
      back(weight_.data(), nullptr, outputs, inputs);
  const auto size = static_cast<size_t>(size_);
  std::vector<uint16_t> before(size), y(size), plain(size), gradient(size), again(size);
  linear.ForwardGelu(x_.data(), rows, alone, before.data(), y.data());
  linear.Forward(x_.data(), rows, alone, plain.data());
  EXPECT_EQ(before, plain);
  back.BackwardGelu(x_.data(), rows, alone, before.data(), gradient.data(), again.data());
  ForEach([&](int64_t r, int64_t o, size_t at) {
    const double x = ToFloat(before[at]), below = 0.5 * std::erfc(-x / std::sqrt(2.0));
    const double slope = below + x * std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
    ASSERT_NEAR(ToFloat(y[at]), x * below, Bf16Tolerance(x * below)) << r << ' ' << o;
    ASSERT_NEAR(ToFloat(again[at]), x * below, Bf16Tolerance(x * below)) << r << ' ' << o;
    const double dy = Exact(r, o) - static_cast<double>(bias_[static_cast<size_t>(o)]);
    ASSERT_NEAR(ToFloat(gradient[at]), dy * slope, Bf16Tolerance(dy * slope)) << r << ' ' << o;
  });
}

TEST_P(PackedLinearTest, ScalesARowBeforeItIsAdded) {
  const auto [rows, inputs, outputs] = GetParam();
  WorkTeam alone;
  const PackedLinear linear(weight_.data(), bias_.data(), outputs, inputs);
  const auto residual = NormalValues(size_, 1, 4), scales = NormalValues(rows, 1, 5);
  std::vector<float> y(static_cast<size_t>(size_));
  linear.ForwardResidual(x_.data(), rows, alone, residual.data(), scales.data(), y.data());
  ForEach([&](int64_t r, int64_t o, size_t at) {
    ASSERT_NEAR(y[at], residual[at] + scales[static_cast<size_t>(r)] * Exact(r, o), 1e-4) << r << ' ' << o;
  });
}

INSTANTIATE_TEST_SUITE_P(Shapes, PackedLinearTest,
                         testing::Values(LinearShape{1, 16, 16}, LinearShape{5, 48, 32},
                                         LinearShape{6, 192, 64}, LinearShape{13, 64, 112},
                                         LinearShape{65, 768, 192}));

TEST(PackedLinear, GeluHoldsFarOut) {
  if (!HasAvx512Bf16()) GTEST_SKIP() << "no AVX-512 bfloat16 on this processor";
  const std::vector<float> weight(16 * 16, 0.0F);
  const std::vector<float> bias = {-1e4F, -20, -9, -6,   -4,    -3,  -2,   -1,
                                   0,     1,   3,  6.5F, 12.5F, 100, 1e4F, 3e38F};
  const AlignedArray<uint16_t> x(16);
  std::vector<uint16_t> y(16);
  WorkTeam alone;
  PackedLinear(weight.data(), bias.data(), 16, 16).ForwardGelu(x.data(), 1, alone, y.data());
  for (size_t i = 0; i < bias.size(); ++i) {
    const double value = bias[i], gelu = value * 0.5 * std::erfc(-value / std::sqrt(2.0));
    EXPECT_NEAR(ToFloat(y[i]), gelu, Bf16Tolerance(gelu, 2e-6)) << value;
  }
}

}  // namespace
}  // namespace mae
