#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "image/codec.h"

namespace mae {

/// A picture in grey, each cell of a grid over it coloured by its value: violet the lowest of the map, yellow
/// the highest (OpenCV's viridis); all alike, or not finite, is the lowest. Pure; safe anywhere.
/// @param values rows * cols of them, row-major.
/// @return RGB of the picture's size. INVALID_ARGUMENT if the picture's sizes don't agree, or it isn't a
/// whole number of pixels a cell.
absl::StatusOr<Picture> DrawHeatMap(const Picture& picture, const std::vector<float>& values, int64_t rows,
                                    int64_t cols);

}  // namespace mae
