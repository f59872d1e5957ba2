#pragma once

#include <cstdint>
#include <vector>

#include "image/image_view.h"

/// Antialiased resizing of bytes, equal to Pillow's Image.resize to one grey level, which is what public MAE
/// weights were trained behind. (OpenCV's INTER_CUBIC is another filter, without antialias.)
namespace mae {

enum class ResampleFilter {
  kBilinear,  ///< triangle of support 1
  kBicubic,   ///< cubic convolution of support 2, a = -0.5 (Keys 1981, IEEE TASSP 29(6))
};

/// Resizes images of one shape to another, or makes a window of the result alone: time and memory are those
/// of the window and the pixels it shows, however large the whole would be. Its weights are computed once and
/// serve every channel.
///
/// Two passes, rows then columns, each a weighted sum in fixed point (22 bits behind the point) rounded to
/// bytes; a filter that shrinks is stretched by the factor, so that every source pixel counts (antialias).
/// Weights end at the border and sum to one there too. A pass that would change nothing is left out. Not
/// thread-safe: it owns scratch.
class Resampler {
 public:
  /// All sizes at least 1, those of the source at most 2^31 - 1.
  Resampler(int64_t in_height, int64_t in_width, int64_t out_height, int64_t out_width,
            ResampleFilter filter);
  /// @param window of the resized image: what is made of it; inside.
  Resampler(int64_t in_height, int64_t in_width, int64_t out_height, int64_t out_width, ResampleFilter filter,
            const CropBox& window);

  /// @param source of the sizes given to the constructor.
  /// @param out the window's height x width bytes, not overlapping the source.
  void Run(const PlaneView& source, uint8_t* out);

 private:
  // For each output position from `begin` on its first source position and the weights from there on.
  struct Taps {
    bool is_identity = false;
    int64_t begin = 0, count = 0, width = 0;
    std::vector<int32_t> first, length;
    std::vector<int32_t> weights;  // count x width
    // The source positions that are read.
    int64_t source_begin() const { return is_identity ? begin : first.front(); }
    int64_t source_end() const { return is_identity ? begin + count : first.back() + length.back(); }
  };

  static Taps MakeTaps(int64_t in, int64_t out, int64_t begin, int64_t count, ResampleFilter filter);
  void Rows(const PlaneView& source, uint8_t* out) const;
  void Columns(uint8_t* out);

  Taps horizontal_, vertical_;
  std::vector<uint8_t> rows_;  // of those that are read, x the window's width
  std::vector<int32_t> sums_;  // the window's width
};

}  // namespace mae
