#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "image/codec.h"

namespace mae {

/// Draws a confusion matrix: a row a true class, a column a predicted one, a cell the darker the larger its
/// share of the row. Up to 30 classes cells have their share in percent, and the names of the classes stand
/// beside and (by number) above; beyond that there is the field alone, and beyond 1000 classes a pixel a
/// cell. Pure; safe anywhere.
/// @param counts [true class][predicted class], images, 0 or more; a row without images is white.
/// @param names one a class, ASCII.
/// @param title ASCII.
/// @return RGB. INVALID_ARGUMENT if there is no class, or the table is not square with a name a row.
absl::StatusOr<Picture> DrawConfusionMatrix(const std::vector<std::vector<int64_t>>& counts,
                                            const std::vector<std::string>& names, const std::string& title);

}  // namespace mae
