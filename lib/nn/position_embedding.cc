#include "nn/position_embedding.h"

namespace mae {
namespace {

// [n] positions -> [n, dim]: sines, then cosines.
torch::Tensor SinCos1d(int64_t dim, const torch::Tensor& positions) {
  const auto k = torch::arange(dim / 2, torch::kFloat64);
  const auto omega = torch::pow(10000.0, -k / (static_cast<double>(dim) / 2.0));
  const auto angle = torch::outer(positions, omega);
  return torch::cat({angle.sin(), angle.cos()}, 1);
}

}  // namespace

torch::Tensor SinCosPositionEmbedding(int64_t dim, int64_t rows, int64_t cols) {
  TORCH_CHECK(dim % 4 == 0, "sin-cos position embedding: width ", dim, " is not a multiple of 4");
  const auto row = torch::arange(rows, torch::kFloat64).repeat_interleave(cols);
  const auto col = torch::arange(cols, torch::kFloat64).repeat({rows});
  const auto grid = torch::cat({SinCos1d(dim / 2, col), SinCos1d(dim / 2, row)}, 1);
  return torch::cat({torch::zeros({1, dim}, torch::kFloat64), grid}, 0).unsqueeze(0).to(torch::kFloat32);
}

}  // namespace mae
