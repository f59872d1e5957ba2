#include "image/resample.h"

#include <algorithm>
#include <cmath>

namespace mae {
namespace {

constexpr int kResamplePrecision = 22;
constexpr int32_t kResampleHalf = 1 << (kResamplePrecision - 1);

double FilterSupport(ResampleFilter filter) { return filter == ResampleFilter::kBicubic ? 2.0 : 1.0; }

double Triangle(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

double CubicConvolution(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

double FilterAt(ResampleFilter filter, double x) {
  return filter == ResampleFilter::kBicubic ? CubicConvolution(x) : Triangle(x);
}

int32_t ToFixed(double weight) {
  return static_cast<int32_t>(std::lround(weight * (1 << kResamplePrecision)));
}

uint8_t FromFixed(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kResamplePrecision, 0, 255)); }

}  // namespace

Resampler::Taps Resampler::MakeTaps(int64_t in, int64_t out, int64_t begin, int64_t count,
                                    ResampleFilter filter) {
  Taps taps{in == out, begin, count, 0, {}, {}, {}};
  if (taps.is_identity) return taps;
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double stretch = std::max(scale, 1.0);  // only a filter that shrinks is stretched
  const double support = FilterSupport(filter) * stretch;
  taps.width = 2 * static_cast<int64_t>(std::ceil(support)) + 1;
  taps.weights.assign(static_cast<size_t>(count * taps.width), 0);
  std::vector<double> exact;
  for (int64_t x = 0; x < count; ++x) {
    const double center = (static_cast<double>(begin + x) + 0.5) * scale;
    const auto first = std::max<int64_t>(0, static_cast<int64_t>(center - support + 0.5));
    const auto end = std::min(in, static_cast<int64_t>(center + support + 0.5));
    exact.clear();
    double total = 0.0;
    for (int64_t i = first; i < end; ++i) {
      exact.push_back(FilterAt(filter, (static_cast<double>(i) - center + 0.5) / stretch));
      total += exact.back();
    }
    for (size_t i = 0; i < exact.size(); ++i)
      taps.weights[static_cast<size_t>(x * taps.width) + i] =
          ToFixed(total != 0.0 ? exact[i] / total : exact[i]);
    taps.first.push_back(static_cast<int32_t>(first));
    taps.length.push_back(static_cast<int32_t>(exact.size()));
  }
  return taps;
}

Resampler::Resampler(int64_t in_height, int64_t in_width, int64_t out_height, int64_t out_width,
                     ResampleFilter filter)
    : Resampler(in_height, in_width, out_height, out_width, filter, {0, 0, out_height, out_width}) {}

Resampler::Resampler(int64_t in_height, int64_t in_width, int64_t out_height, int64_t out_width,
                     ResampleFilter filter, const CropBox& window)
    : horizontal_(MakeTaps(in_width, out_width, window.left, window.width, filter)),
      vertical_(MakeTaps(in_height, out_height, window.top, window.height, filter)),
      sums_(static_cast<size_t>(window.width)) {
  if (!vertical_.is_identity)
    rows_.resize(static_cast<size_t>((vertical_.source_end() - vertical_.source_begin()) * window.width));
}

void Resampler::Rows(const PlaneView& source, uint8_t* out) const {
  for (int64_t y = vertical_.source_begin(); y < vertical_.source_end(); ++y) {
    const uint8_t* const row = source.pixels + y * source.row_stride;
    for (int64_t x = 0; x < horizontal_.count; ++x) {
      if (horizontal_.is_identity) {
        *out++ = row[(horizontal_.begin + x) * source.pixel_stride];
        continue;
      }
      const auto at = static_cast<size_t>(x);
      const int32_t* const weights = horizontal_.weights.data() + x * horizontal_.width;
      const uint8_t* const pixels = row + horizontal_.first[at] * source.pixel_stride;
      int32_t sum = kResampleHalf;
      for (int64_t i = 0; i < horizontal_.length[at]; ++i)
        sum += pixels[i * source.pixel_stride] * weights[i];
      *out++ = FromFixed(sum);
    }
  }
}

void Resampler::Columns(uint8_t* out) {
  const int64_t width = horizontal_.count;
  for (int64_t y = 0; y < vertical_.count; ++y) {
    const auto at = static_cast<size_t>(y);
    const int32_t* const weights = vertical_.weights.data() + y * vertical_.width;
    std::fill(sums_.begin(), sums_.end(), kResampleHalf);
    for (int64_t i = 0; i < vertical_.length[at]; ++i) {
      const uint8_t* const row = rows_.data() + (vertical_.first[at] - vertical_.source_begin() + i) * width;
      const int32_t weight = weights[i];
      for (int64_t x = 0; x < width; ++x) sums_[static_cast<size_t>(x)] += row[x] * weight;
    }
    for (const int32_t sum : sums_) *out++ = FromFixed(sum);
  }
}

void Resampler::Run(const PlaneView& source, uint8_t* out) {
  if (vertical_.is_identity) return Rows(source, out);
  Rows(source, rows_.data());
  Columns(out);
}

}  // namespace mae
