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

/// Training. before is what gelu reads, rounded; y the gelu of that.
void StoreBeforeAndGelu(const Tile& tile, int64_t rows, int64_t width, const float* bias, uint16_t* before,
                        uint16_t* y, int64_t stride);
/// y = residual + scale[r] * (sums + bias). @param scales of the tile's rows; nullptr: all 1.
void StoreResidual(const Tile& tile, int64_t rows, int64_t width, const float* bias, const float* residual,
                   const float* scales, float* y, int64_t stride);
/// Backwards through the gelu: gradient = sums * gelu'(before), y = gelu(before).
void StoreGeluGradient(const Tile& tile, int64_t rows, int64_t width, const uint16_t* before,
                       uint16_t* gradient, uint16_t* y, int64_t stride);
/// y += sums, or y = sums.
void Accumulate(const Tile& tile, int64_t rows, int64_t width, bool add, float* y, int64_t stride);

}  // namespace mae::avx512
