#pragma once

#include <cstdint>

#include "kernels/avx512.h"
#include "kernels/tile.h"

/// The bfloat16 matrix product that linear layers and attention are made of.
namespace mae::avx512 {

/// The product of up to 6 rows with a panel of up to 64 columns, in the order of k alone: an output depends
/// on its own row and column and on nothing beside them.
/// @param a bfloat16, pair p of row r at a + r * stride + p * pair_stride.
/// @param rows 1 to 6.
/// @param panel bfloat16 [pairs][width][2].
/// @param width 16, 32, 48 or 64.
/// @param pairs half of the inner size.
/// @param tile sums[r][c] of r < rows and c < width are set.
void ProductTile(const uint16_t* a, int64_t stride, int64_t pair_stride, int64_t rows, const uint16_t* panel,
                 int64_t width, int64_t pairs, Tile& tile);

/// The pair stride of rows that lie as they are read.
inline constexpr int64_t kDense = 2;

}  // namespace mae::avx512
