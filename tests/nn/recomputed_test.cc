#include "nn/recomputed.h"

#include <gtest/gtest.h>

#include "runtime/precision.h"

namespace mae {
namespace {

// A product that counts its runs, and what it left on the way.
struct Product {
  torch::Tensor weight = torch::randn({8, 8}).requires_grad_(), frozen = torch::randn({8, 8});
  int runs = 0;

  torch::Tensor Of(const torch::Tensor& x) {
    return Recomputed(
        [this](const torch::Tensor& in) {
          ++runs;
          return torch::gelu(torch::matmul(in, weight)).matmul(frozen);
        },
        x, {weight, frozen});
  }
};

TEST(Recomputed, RunsOnceForwardsAndOnceMoreBackwards) {
  Product product;
  const auto y = product.Of(torch::randn({3, 8}));
  EXPECT_EQ(product.runs, 1);
  y.sum().backward();
  EXPECT_EQ(product.runs, 2);
  EXPECT_FALSE(product.frozen.grad().defined());
}

TEST(Recomputed, GivesTheGradientsOfItsPartWhateverNeedsThem) {
  for (const bool of_x : {false, true}) {
    Product product;
    const auto x = torch::randn({3, 8}).requires_grad_(of_x);
    std::vector<torch::Tensor> inputs = {product.weight};
    if (of_x) inputs.push_back(x);
    const auto whole = torch::autograd::grad(
        {torch::gelu(torch::matmul(x, product.weight)).matmul(product.frozen).square().sum()}, inputs);
    const auto again = torch::autograd::grad({product.Of(x).square().sum()}, inputs);
    for (size_t i = 0; i < inputs.size(); ++i) EXPECT_TRUE(torch::equal(whole[i], again[i])) << of_x << i;
  }
}

// The backward pass runs outside of the scope.
TEST(Recomputed, RunsAgainInThePrecisionOfTheForwardPass) {
  torch::manual_seed(1);
  const auto x = torch::randn({3, 8}), weight = torch::randn({8, 8}).requires_grad_();
  std::vector<torch::ScalarType> types;
  torch::Tensor y;
  {
    const AutocastScope autocast(torch::kCPU, Precision::kBf16);
    y = Recomputed(
        [&](const torch::Tensor& in) {
          const auto product = torch::matmul(in, weight);
          types.push_back(product.scalar_type());
          return product;
        },
        x, {weight});
  }
  y.sum().backward();
  EXPECT_EQ(types, (std::vector<torch::ScalarType>{torch::kBFloat16, torch::kBFloat16}));
  EXPECT_TRUE(weight.grad().defined());
}

// Autocast shares its copies of weights between threads; those of a pass without graph have no gradient.
TEST(Recomputed, WeightsHaveTheirGradientUnderAutocastThatKeepsCopies) {
  const auto weight = torch::randn({8, 8}).requires_grad_();
  const auto product = [&](const torch::Tensor& in) { return torch::matmul(in, weight); };
  const AutocastScope autocast(torch::kCPU, Precision::kBf16);
  const auto y = Recomputed(product, torch::randn({3, 8}), {weight});
  y.sum().backward();
  ASSERT_TRUE(weight.grad().defined());
  EXPECT_GT(weight.grad().abs().sum().item<float>(), 0.0F);
}

}  // namespace
}  // namespace mae
