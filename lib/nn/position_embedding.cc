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

torch::Tensor ResamplePositionEmbedding(const torch::Tensor& embedding, int64_t rows, int64_t cols,
                                        int64_t new_rows, int64_t new_cols, bool antialias) {
  TORCH_CHECK(embedding.dim() == 3 && embedding.size(0) == 1 && embedding.size(1) == 1 + rows * cols,
              "position embedding of a ", rows, "x", cols, " grid must be [1, ", 1 + rows * cols,
              ", width], but is ", embedding.sizes());
  const auto whole = embedding.to(torch::kFloat32);
  if (rows == new_rows && cols == new_cols) return whole;
  const int64_t dim = whole.size(2);
  const auto grid = whole.slice(1, 1).reshape({1, rows, cols, dim}).permute({0, 3, 1, 2});
  const auto size = std::vector<int64_t>{new_rows, new_cols};
  const auto resampled = antialias ? at::_upsample_bicubic2d_aa(grid, size, /*align_corners=*/false)
                                   : at::upsample_bicubic2d(grid, size, /*align_corners=*/false);
  const auto tokens = resampled.permute({0, 2, 3, 1}).reshape({1, new_rows * new_cols, dim});
  return torch::cat({whole.slice(1, 0, 1), tokens}, 1);
}

}  // namespace mae
