#pragma once

#include <cstdint>
#include <vector>

/// Antialiased resizing of bytes, equal to Pillow's Image.resize to one grey level, which is what public MAE
/// weights were trained behind. (OpenCV's INTER_CUBIC is another filter, without antialias.)
namespace mae {

enum class ResampleFilter {
  kBilinear,  ///< triangle of support 1
  kBicubic,   ///< cubic convolution of support 2, a = -0.5 (Keys 1981, IEEE TASSP 29(6))
};

/// One channel of an image that somebody else owns, whole or a rectangle of it; interleaved or planar.
struct PlaneView {
  const uint8_t* pixels = nullptr;  ///< of the top left corner
  int64_t height = 0, width = 0;    ///< at least 1
  int64_t row_stride = 0;           ///< bytes from a row to the next
  int64_t pixel_stride = 1;         ///< bytes from a pixel to the next: the channels of an interleaved image
};

/// The part of a view that starts at (top, left); it must lie inside.
PlaneView Crop(const PlaneView& view, int64_t top, int64_t left, int64_t height, int64_t width);

/// Resizes images of one shape to another: its weights are computed once and serve every channel.
///
/// Two passes, rows then columns, each a weighted sum in fixed point (22 bits behind the point) rounded to
/// bytes; a filter that shrinks is stretched by the factor, so that every source pixel counts (antialias).
/// Weights end at the border and sum to one there too. A pass that would change nothing is left out. Not
/// thread-safe: it owns scratch.
class Resampler {
 public:
  /// All sizes at least 1.
  Resampler(int64_t in_height, int64_t in_width, int64_t out_height, int64_t out_width,
            ResampleFilter filter);

  /// @param source of the sizes given to the constructor.
  /// @param out out_height x out_width bytes, not overlapping the source.
  void Run(const PlaneView& source, uint8_t* out);

 private:
  // For each output position its first source position and the weights from there on.
  struct Taps {
    int64_t in = 0, out = 0, width = 0;
    std::vector<int32_t> first, count;
    std::vector<int32_t> weights;  // out x width
    bool is_identity() const { return in == out; }
  };

  static Taps MakeTaps(int64_t in, int64_t out, ResampleFilter filter);
  void Rows(const PlaneView& source, uint8_t* out) const;
  void Columns(const uint8_t* rows, uint8_t* out);

  Taps horizontal_, vertical_;
  std::vector<uint8_t> rows_;  // in_height x out_width
  std::vector<int32_t> sums_;  // out_width
};

}  // namespace mae
