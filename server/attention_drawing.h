#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/picture_style.h"
#include "serving/predictor.h"

namespace mae {

/// The maps of one image drawn over it, encoded.
struct AttentionDrawing {
  std::string mean;
  std::vector<std::string> heads;
  std::string panel;  ///< image, mean and heads; under their names where they fit into one row
};

/// Which of them are wanted; the others stay empty, and are not drawn.
struct AttentionPictureChoice {
  bool mean = true, heads = true, panel = true;
};

/// Pure; drawing and encoding take their time. @param maps with their images. @param image index of it.
absl::StatusOr<AttentionDrawing> DrawAttention(const AttentionMaps& maps, int64_t image,
                                               const PictureStyle& style,
                                               const AttentionPictureChoice& choice = {});

}  // namespace mae
