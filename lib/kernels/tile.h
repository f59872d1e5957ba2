#pragma once

#include <cstdint>

namespace mae::avx512 {

inline constexpr int64_t kPanel = 64;  ///< columns of a panel, 4 vectors
inline constexpr int64_t kTileRows =
    6;  ///< 6 * 4 vectors of sums, 4 of columns and 1 of a row fill 29 of 32 registers

/// Sums of a tile of a product, float32.
struct alignas(64) Tile {
  float sums[kTileRows][kPanel];
};

}  // namespace mae::avx512
