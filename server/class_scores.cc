#include "server/class_scores.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mae {

std::vector<float> Softmax(const std::vector<float>& logits) {
  const float highest = *std::max_element(logits.begin(), logits.end());
  std::vector<float> values(logits.size());
  std::transform(logits.begin(), logits.end(), values.begin(),
                 [=](float x) { return std::exp(x - highest); });
  const float sum = std::accumulate(values.begin(), values.end(), 0.0F);
  for (float& value : values) value /= sum;
  return values;
}

std::vector<int64_t> HighestFirst(const std::vector<float>& values, int64_t count) {
  std::vector<int64_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](int64_t a, int64_t b) {
    return values[a] != values[b] ? values[a] > values[b] : a < b;
  });
  order.resize(static_cast<size_t>(count));
  return order;
}

}  // namespace mae
