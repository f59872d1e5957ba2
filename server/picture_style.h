#pragma once

#include <cstdint>

#include "image/codec.h"

namespace mae {

/// How the pictures of an answer are drawn.
struct PictureStyle {
  int64_t scale = 1;  ///< each pixel is drawn as scale x scale
  PictureFormat format = PictureFormat::kPng;
};

}  // namespace mae
