#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "serving/predictor.h"

namespace mae {

enum class ReconstructionPicture { kOriginal, kMasked, kReconstruction, kPasted, kPanel };

/// One picture of a reconstruction as PNG; the panel is the other four in a row, each under its name. Pure;
/// drawing and encoding take their time.
/// @param result with its pictures.
/// @param scale each pixel is drawn as scale x scale.
absl::StatusOr<std::string> DrawPng(const ReconstructionResult& result, ReconstructionPicture picture,
                                    int64_t scale);

}  // namespace mae
