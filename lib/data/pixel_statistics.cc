#include "data/pixel_statistics.h"

#include <algorithm>
#include <cmath>

namespace mae {
namespace {

struct Moments {
  double mean = 0.5, variance = 0;
};

Moments MomentsOf(const std::array<int64_t, 256>& counts) {
  double total = 0, sum = 0, squares = 0;
  for (size_t value = 0; value < counts.size(); ++value) {
    const auto count = static_cast<double>(counts[value]);
    const double pixel = static_cast<double>(value) / 255.0;
    total += count;
    sum += count * pixel;
    squares += count * pixel * pixel;
  }
  if (total == 0) return {};
  const double mean = sum / total;
  return {mean, std::max(0.0, squares / total - mean * mean)};
}

}  // namespace

void PixelStatistics::Add(const Picture& picture) {
  size_t channel = 0;
  for (const uint8_t pixel : picture.pixels) {
    ++counts_[channel][pixel];
    channel = channel + 1 == counts_.size() ? 0 : channel + 1;
  }
}

std::vector<double> PixelStatistics::Mean() const {
  std::vector<double> means;
  for (const auto& counts : counts_) means.push_back(MomentsOf(counts).mean);
  return means;
}

std::vector<double> PixelStatistics::StdDev() const {
  std::vector<double> deviations;
  for (const auto& counts : counts_)
    deviations.push_back(std::max(1.0 / 255.0, std::sqrt(MomentsOf(counts).variance)));
  return deviations;
}

}  // namespace mae
