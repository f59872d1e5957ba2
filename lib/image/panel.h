#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "image/codec.h"

namespace mae {

/// Pictures of one size laid out as a table on white, `gap` pixels between and around them; rows[r][c]. With
/// `headings` (one a column, may be empty) a text line (ASCII) stands above each column; where the widest
/// of them is wider than a picture even in small letters, all columns are as wide as it. Pure; safe anywhere.
/// INVALID_ARGUMENT if there is none, rows differ in length, or pictures differ in size. Grey becomes RGB.
absl::StatusOr<Picture> ComposePanel(const std::vector<std::vector<Picture>>& rows,
                                     const std::vector<std::string>& headings, int64_t gap);

}  // namespace mae
