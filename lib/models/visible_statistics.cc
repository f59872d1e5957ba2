#include "models/visible_statistics.h"

namespace mae {
namespace {

// [L, L]: 1 / d^3 of two patches, 0 of one with itself.
torch::Tensor Nearness(int64_t rows, int64_t cols, const torch::TensorOptions& options) {
  const auto row = torch::arange(rows, options).repeat_interleave(cols);
  const auto col = torch::arange(cols, options).repeat({rows});
  const auto squared = (row.unsqueeze(1) - row).square() + (col.unsqueeze(1) - col).square();
  return torch::where(squared > 0, squared.pow(-1.5), torch::zeros_like(squared));
}

}  // namespace

PatchStatistics StatisticsFromVisible(const torch::Tensor& patches, const torch::Tensor& mask, int64_t rows,
                                      int64_t cols) {
  const auto own = StatisticsOf(patches);
  const auto is_visible = mask.unsqueeze(-1) == 0;
  const auto nearness = Nearness(rows, cols, own.mean.options());
  const auto weights = torch::matmul(nearness, is_visible.to(torch::kFloat32));
  const auto around = [&](const torch::Tensor& values) {
    return torch::matmul(nearness, values.masked_fill(is_visible.logical_not(), 0)) / weights;
  };
  return {torch::where(is_visible, own.mean, around(own.mean)),
          torch::where(is_visible, own.std_dev, around(own.std_dev.square()).sqrt())};
}

}  // namespace mae
