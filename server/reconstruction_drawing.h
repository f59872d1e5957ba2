#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "server/picture_style.h"
#include "serving/predictor.h"

namespace mae {

enum class ReconstructionPicture { kOriginal, kMasked, kReconstruction, kPasted, kPanel };

/// One picture of a reconstruction, encoded; the panel is the other four in a row, each under its name. Pure;
/// drawing and encoding take their time.
/// @param result with its pictures.
absl::StatusOr<std::string> DrawEncoded(const ReconstructionResult& result, ReconstructionPicture picture,
                                        const PictureStyle& style);

}  // namespace mae
