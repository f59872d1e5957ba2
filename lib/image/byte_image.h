#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "image/image_view.h"

namespace mae {

/// An image of bytes, a whole plane for each channel: the layout of ImageSet (data/dataset.h) and of a
/// model's input, so that nothing between the two has to interleave. A plain value.
struct ByteImage {
  int64_t channels = 0, height = 0, width = 0;
  std::vector<uint8_t> pixels;  ///< channels x height x width

  int64_t plane_bytes() const { return height * width; }
  uint8_t* plane(int64_t channel) { return pixels.data() + channel * plane_bytes(); }
  const uint8_t* plane(int64_t channel) const { return pixels.data() + channel * plane_bytes(); }

  ImageView view() const { return {pixels.data(), channels, height, width, false}; }

  /// Sets the shape and makes room; what the pixels then are is for the caller to write. Keeps its memory.
  void Reshape(int64_t new_channels, int64_t new_height, int64_t new_width) {
    channels = new_channels;
    height = new_height;
    width = new_width;
    pixels.resize(static_cast<size_t>(channels * height * width));
  }

  bool operator==(const ByteImage&) const = default;
};

}  // namespace mae
