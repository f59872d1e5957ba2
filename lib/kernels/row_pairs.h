#pragma once

#include <cstdint>

/// Rows as the inner dimension of a product: two neighbouring rows' values of a column side by side.
namespace mae::avx512 {

/// Pairs `columns` columns of rows: to[p][c] = (x[2p][c], x[2p + 1][c]), zeros beside a last odd row.
/// @param x bfloat16, row r at x + r * stride.
/// @param columns at most 16, or a multiple of 16.
/// @param to [rows / 2, rounded up][columns][2].
/// @param sums [columns] float32, to which each column's sum is added; may be nullptr.
void PairRows(const uint16_t* x, int64_t rows, int64_t stride, int64_t columns, uint16_t* to, float* sums);

}  // namespace mae::avx512
