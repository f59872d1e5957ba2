#pragma once

#include <cstdint>

/// Looks at pixels that somebody else owns and keeps alive. Plain values.
namespace mae {

/// A rectangle of an image, in pixels.
struct CropBox {
  int64_t top = 0, left = 0, height = 0, width = 0;
  bool operator==(const CropBox&) const = default;
};

/// One channel of an image, whole or a rectangle of it.
struct PlaneView {
  const uint8_t* pixels = nullptr;  ///< of the top left corner
  int64_t height = 0, width = 0;    ///< at least 1
  int64_t row_stride = 0;           ///< bytes from a row to the next
  int64_t pixel_stride = 1;         ///< bytes from a pixel to the next: the channels of an interleaved image
};

/// The part of a view that a box, which lies inside, cuts out.
inline PlaneView Crop(const PlaneView& view, const CropBox& box) {
  return {view.pixels + box.top * view.row_stride + box.left * view.pixel_stride, box.height, box.width,
          view.row_stride, view.pixel_stride};
}

/// A whole image: a plane for each channel as ByteImage has it, or interleaved as Picture.
struct ImageView {
  const uint8_t* pixels = nullptr;
  int64_t channels = 0, height = 0, width = 0;  ///< at least 1
  bool interleaved = false;

  bool is_planar() const { return !interleaved || channels == 1; }
  PlaneView plane(int64_t channel) const {
    if (interleaved) return {pixels + channel, height, width, width * channels, channels};
    return {pixels + channel * height * width, height, width, width, 1};
  }
};

}  // namespace mae
