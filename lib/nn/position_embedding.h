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

}  // namespace mae
