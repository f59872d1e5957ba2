#include "augment/color_ops.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

namespace mae {
namespace {

using Histogram = std::array<int64_t, 256>;
using ValueTable = std::array<uint8_t, 256>;

uint8_t ClampToByte(int64_t value) { return static_cast<uint8_t>(std::clamp<int64_t>(value, 0, 255)); }

Histogram HistogramOf(const uint8_t* plane, int64_t count) {
  Histogram histogram{};
  for (int64_t i = 0; i < count; ++i) ++histogram[plane[i]];
  return histogram;
}

void MapValues(uint8_t* plane, int64_t count, const ValueTable& table) {
  std::transform(plane, plane + count, plane, [&table](uint8_t value) { return table[value]; });
}

ValueTable Identity() {
  ValueTable table;
  std::iota(table.begin(), table.end(), uint8_t{0});
  return table;
}

// One table, computed from the value alone, for all channels.
template <typename Function>
void MapAll(ByteImage& image, const Function& function) {
  ValueTable table;
  for (int value = 0; value < 256; ++value) table[static_cast<size_t>(value)] = ClampToByte(function(value));
  MapValues(image.pixels.data(), static_cast<int64_t>(image.pixels.size()), table);
}

// A table a channel, computed from the channel's histogram.
template <typename Function>
void MapEach(ByteImage& image, const Function& function) {
  for (int64_t c = 0; c < image.channels; ++c) {
    const auto table = function(HistogramOf(image.plane(c), image.plane_bytes()));
    MapValues(image.plane(c), image.plane_bytes(), table);
  }
}

ValueTable StretchTable(const Histogram& histogram) {
  int low = 0, high = 255;
  while (low < 255 && histogram[static_cast<size_t>(low)] == 0) ++low;
  while (high > 0 && histogram[static_cast<size_t>(high)] == 0) --high;
  ValueTable table = Identity();
  if (high <= low) return table;
  const double scale = 255.0 / (high - low), offset = -low * scale;
  for (int value = 0; value < 256; ++value)
    table[static_cast<size_t>(value)] = ClampToByte(static_cast<int64_t>(value * scale + offset));
  return table;
}

// Pillow's integer arithmetic; the highest value that occurs is left out of the sum.
ValueTable EqualTable(const Histogram& histogram) {
  ValueTable table = Identity();
  const auto last = std::find_if(histogram.rbegin(), histogram.rend(), [](int64_t n) { return n > 0; });
  if (last == histogram.rend()) return table;
  const int64_t step = (std::accumulate(histogram.begin(), histogram.end(), int64_t{0}) - *last) / 255;
  if (step == 0) return table;
  int64_t sum = step / 2;
  for (size_t value = 0; value < table.size(); ++value) {
    table[value] = ClampToByte(sum / step);
    sum += histogram[value];
  }
  return table;
}

// Between two values, or beyond: as Pillow's blend, in single precision and cut, not rounded.
uint8_t Blend(uint8_t degenerate, uint8_t value, float factor) {
  const float mixed = static_cast<float>(degenerate) +
                      factor * static_cast<float>(static_cast<int>(value) - static_cast<int>(degenerate));
  return static_cast<uint8_t>(std::clamp(mixed, 0.0F, 255.0F));
}

// ITU-R 601 luma with Pillow's weights, of 16 bits behind the point.
uint8_t Luma(uint8_t red, uint8_t green, uint8_t blue) {
  return static_cast<uint8_t>((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
}

uint8_t LumaAt(const ByteImage& image, int64_t i) {
  return Luma(image.plane(0)[i], image.plane(1)[i], image.plane(2)[i]);
}

void BlendWithValue(uint8_t* plane, int64_t count, uint8_t degenerate, double factor) {
  std::transform(plane, plane + count, plane,
                 [&](uint8_t value) { return Blend(degenerate, value, static_cast<float>(factor)); });
}

uint8_t RoundedMean(int64_t sum, int64_t count) {
  return static_cast<uint8_t>(static_cast<double>(sum) / static_cast<double>(count) + 0.5);
}

// Of a plane into `smooth` of the same size, the border copied.
void Smooth(const uint8_t* plane, int64_t height, int64_t width, std::vector<uint8_t>& smooth) {
  smooth.assign(plane, plane + height * width);
  for (int64_t y = 1; y + 1 < height; ++y) {
    for (int64_t x = 1; x + 1 < width; ++x) {
      const uint8_t* const middle = plane + y * width + x;
      int sum = 4 * *middle;
      for (const int64_t row : {-width, int64_t{0}, width})
        sum += middle[row - 1] + middle[row] + middle[row + 1];
      smooth[static_cast<size_t>(y * width + x)] = static_cast<uint8_t>((2 * sum + 13) / 26);
    }
  }
}

}  // namespace

void AutoContrast(ByteImage& image) { MapEach(image, StretchTable); }

void Equalize(ByteImage& image) { MapEach(image, EqualTable); }

void Invert(ByteImage& image) {
  MapAll(image, [](int value) { return 255 - value; });
}

void Posterize(ByteImage& image, int bits) {
  const int mask = 256 - (1 << (8 - bits));
  MapAll(image, [mask](int value) { return value & mask; });
}

void Solarize(ByteImage& image, int threshold) {
  MapAll(image, [threshold](int value) { return value < threshold ? value : 255 - value; });
}

void SolarizeAdd(ByteImage& image, int amount) {
  MapAll(image, [amount](int value) { return value < 128 ? value + amount : value; });
}

void AdjustColor(ByteImage& image, double factor) {
  if (image.channels != 3) return;
  for (int64_t i = 0; i < image.plane_bytes(); ++i) {
    const uint8_t grey = LumaAt(image, i);
    for (int64_t c = 0; c < 3; ++c) {
      uint8_t& value = image.plane(c)[i];
      value = Blend(grey, value, static_cast<float>(factor));
    }
  }
}

void AdjustContrast(ByteImage& image, double factor) {
  const int64_t count = image.plane_bytes();
  if (image.channels == 3) {
    int64_t sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += LumaAt(image, i);
    return BlendWithValue(image.pixels.data(), 3 * count, RoundedMean(sum, count), factor);
  }
  for (int64_t c = 0; c < image.channels; ++c) {
    uint8_t* const plane = image.plane(c);
    const int64_t sum = std::accumulate(plane, plane + count, int64_t{0});
    BlendWithValue(plane, count, RoundedMean(sum, count), factor);
  }
}

void AdjustBrightness(ByteImage& image, double factor) {
  BlendWithValue(image.pixels.data(), static_cast<int64_t>(image.pixels.size()), 0, factor);
}

void AdjustSharpness(ByteImage& image, double factor) {
  std::vector<uint8_t> smooth;
  for (int64_t c = 0; c < image.channels; ++c) {
    uint8_t* const plane = image.plane(c);
    Smooth(plane, image.height, image.width, smooth);
    std::transform(
        plane, plane + image.plane_bytes(), smooth.begin(), plane,
        [&](uint8_t value, uint8_t blurred) { return Blend(blurred, value, static_cast<float>(factor)); });
  }
}

}  // namespace mae
