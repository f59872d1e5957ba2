#pragma once

#include <torch/torch.h>

namespace mae {

/// Fixed 2-D sine-cosine embedding of a patch grid, a zero row for the class token first.
///
/// Row-major positions. The first half of the width encodes the column, the second the row, each half as
/// all sines then all cosines of pos / 10000^(k / (dim/4)), k = 0 … dim/4-1 (Vaswani et al. 2017, sec. 3.5;
/// the column-first order is the one that public MAE weights were trained with). Computed in float64.
/// @param dim width, a multiple of 4.
/// @return [1, 1 + rows * cols, dim] float32 on the CPU.
torch::Tensor SinCosPositionEmbedding(int64_t dim, int64_t rows, int64_t cols);

/// Brings the position embedding of one patch grid to another, in float32: bicubic, pixel centres aligned by
/// half (align_corners off), the class token's row as it is. The same grid comes back unchanged.
/// @param embedding [1, 1 + rows * cols, dim], any float type.
/// @param antialias false: as the public MAE code; true: as timm, another cubic (a = -0.5 for -0.75) even
/// where the
///   grid grows.
/// @return [1, 1 + new_rows * new_cols, dim] float32. A size that is not the grid's throws c10::Error.
torch::Tensor ResamplePositionEmbedding(const torch::Tensor& embedding, int64_t rows, int64_t cols,
                                        int64_t new_rows, int64_t new_cols, bool antialias);

}  // namespace mae
