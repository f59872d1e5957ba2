#pragma once

#include <cstdint>

#include "kernels/tile.h"

/// What becomes of a tile of a linear layer's sums.
namespace mae::avx512 {

/// @param rows,width of the tile that are set; width a multiple of 16.
/// @param bias [width].
/// @param y row r of the tile goes to y + r * stride.
template <typename Output>
using Finish = void (*)(const Tile& tile, int64_t rows, int64_t width, const float* bias, Output* y,
                        int64_t stride);

void Store(const Tile& tile, int64_t rows, int64_t width, const float* bias, uint16_t* y, int64_t stride);
void StoreGelu(const Tile& tile, int64_t rows, int64_t width, const float* bias, uint16_t* y, int64_t stride);
void StoreAdd(const Tile& tile, int64_t rows, int64_t width, const float* bias, float* y, int64_t stride);

}  // namespace mae::avx512
