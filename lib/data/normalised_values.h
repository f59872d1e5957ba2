#pragma once

#include <array>

namespace mae {

/// What each value of a byte becomes: (byte / 255 - mean) / std_dev, computed in double.
/// @param std_dev above 0.
inline std::array<float, 256> NormalisedValues(double mean, double std_dev) {
  std::array<float, 256> table{};
  for (int pixel = 0; pixel < 256; ++pixel)
    table[pixel] = static_cast<float>((pixel / 255.0 - mean) / std_dev);
  return table;
}

}  // namespace mae
