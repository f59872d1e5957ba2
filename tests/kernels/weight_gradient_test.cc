#include "kernels/weight_gradient.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/cpu_features.h"
#include "tests/kernels/bf16_values.h"

namespace mae {
namespace {

struct WeightShape {
  int64_t rows, inputs, outputs;
};

class WeightGradientTest : public testing::TestWithParam<WeightShape> {
 protected:
  void SetUp() override {
    if (!HasAvx512Bf16()) GTEST_SKIP() << "no AVX-512 bfloat16 on this processor";
    inputs_.Resize(GetParam().rows);
    for (int64_t p = 0; p < inputs_.panels(); ++p) inputs_.Set(p, x_.data());
  }

  double Exact(int64_t output, int64_t input) const {
    double sum = 0;
    for (int64_t r = 0; r < GetParam().rows; ++r)
      sum += Dy(r, output) * static_cast<double>(ToFloat(x_.data()[r * GetParam().inputs + input]));
    return sum;
  }
  double ExactBias(int64_t output) const {
    double sum = 0;
    for (int64_t r = 0; r < GetParam().rows; ++r) sum += Dy(r, output);
    return sum;
  }
  double Dy(int64_t row, int64_t output) const {
    return ToFloat(dy_.data()[row * GetParam().outputs + output]);
  }

  const AlignedArray<uint16_t> x_ = NormalBf16(GetParam().rows * GetParam().inputs, 1, 1);
  const AlignedArray<uint16_t> dy_ = NormalBf16(GetParam().rows * GetParam().outputs, 1, 2);
  // Room for more rows than are set: where one panel ends and the next begins is another place then.
  PairedInputs inputs_{GetParam().rows + 7, GetParam().inputs};
};

TEST_P(WeightGradientTest, SumsOverRows) {
  const auto [rows, inputs, outputs] = GetParam();
  std::vector<float> weight(static_cast<size_t>(outputs * inputs), 7), bias(static_cast<size_t>(outputs), 7);
  // In two parts, as threads share it.
  const auto middle = std::min(outputs, outputs / 2 / kOutputGroup * kOutputGroup);
  for (const bool add : {false, true}) {
    WeightGradient(dy_.data(), outputs, 0, middle, inputs_, add, weight.data(), bias.data());
    WeightGradient(dy_.data(), outputs, middle, outputs, inputs_, add, weight.data(), bias.data());
    const double times = add ? 2 : 1;
    for (int64_t o = 0; o < outputs; ++o) {
      ASSERT_NEAR(bias[static_cast<size_t>(o)], times * ExactBias(o), 1e-3) << o;
      for (int64_t i = 0; i < inputs; ++i) {
        ASSERT_NEAR(weight[static_cast<size_t>(o * inputs + i)], times * Exact(o, i), 1e-3) << o << ' ' << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, WeightGradientTest,
                         testing::Values(WeightShape{1, 16, 16}, WeightShape{2, 64, 12},
                                         WeightShape{7, 80, 32}, WeightShape{300, 48, 64},
                                         WeightShape{513, 144, 40}));

}  // namespace
}  // namespace mae
