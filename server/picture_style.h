#pragma once

#include <cstdint>

#include "image/codec.h"

namespace mae {

/// Panels: pixels between pictures, how many stand in a row, and of what a reconstruction's consists.
constexpr int64_t kPanelGap = 8, kMaxPanelColumns = 8, kReconstructionPictures = 4;

/// How the pictures of an answer are drawn.
struct PictureStyle {
  int64_t scale = 1;  ///< each pixel is drawn as scale x scale
  PictureFormat format = PictureFormat::kPng;
};

}  // namespace mae
