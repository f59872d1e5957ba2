#include "client/sparkline.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

namespace mae {

std::vector<double> Thinned(const std::vector<double>& values, size_t buckets) {
  if (values.size() <= buckets) return values;
  std::vector<double> means(buckets);
  for (size_t b = 0; b < buckets; ++b) {
    const auto first = values.begin() + static_cast<ptrdiff_t>(b * values.size() / buckets);
    const auto last = values.begin() + static_cast<ptrdiff_t>((b + 1) * values.size() / buckets);
    means[b] = std::accumulate(first, last, 0.0) / static_cast<double>(last - first);
  }
  return means;
}

std::string Sparkline(const std::vector<double>& values, int columns) {
  static constexpr const char* kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::vector<double> finite;
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite),
               [](double v) { return std::isfinite(v); });
  if (finite.empty() || columns <= 0) return "";
  finite = Thinned(finite, static_cast<size_t>(columns));
  const auto [low, high] = std::minmax_element(finite.begin(), finite.end());
  const double span = *high - *low;
  std::string line;
  for (const double value : finite) {
    const double height = span > 0 ? (value - *low) / span : 0;
    line += kBlocks[std::min(7, static_cast<int>(height * 8))];
  }
  return line;
}

}  // namespace mae
