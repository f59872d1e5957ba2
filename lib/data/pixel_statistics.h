#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "image/codec.h"

namespace mae {

/// Mean and standard deviation of pixel values in 0..1, a channel each, over whole pictures. Counts values in
/// integers, so that the order of the pictures makes no difference. Not thread-safe.
class PixelStatistics {
 public:
  explicit PixelStatistics(int64_t channels) : counts_(static_cast<size_t>(channels)) {}

  /// @param picture of as many channels.
  void Add(const Picture& picture);

  /// 0.5 before the first picture.
  std::vector<double> Mean() const;
  /// Over all pixels (divided by their count). Never below 1/255, so that it can be divided by.
  std::vector<double> StdDev() const;

 private:
  std::vector<std::array<int64_t, 256>> counts_;  ///< a channel each: how often each value occurred
};

}  // namespace mae
