#include "train/knn_probe.h"

#include <algorithm>

namespace mae {
namespace {

constexpr int64_t kQueriesAtOnce = 256;

torch::Tensor UnitRows(const torch::Tensor& rows) {
  return torch::nn::functional::normalize(rows.to(torch::kFloat32));
}

}  // namespace

KnnResult ClassifyByNeighbors(const torch::Tensor& known, const torch::Tensor& known_labels,
                              const torch::Tensor& queries, const torch::Tensor& labels, int64_t classes,
                              int64_t neighbors, double temperature) {
  const torch::NoGradGuard no_grad;
  const auto directions = UnitRows(known).t(), asked = UnitRows(queries);
  const int64_t count = std::min(neighbors, known.size(0)), places = std::min<int64_t>(5, classes);
  KnnResult result;
  for (int64_t begin = 0; begin < asked.size(0); begin += kQueriesAtOnce) {
    const auto block = asked.slice(0, begin, begin + kQueriesAtOnce);
    const auto [cosines, nearest] = block.matmul(directions).topk(count, 1);
    // Subtracting the largest changes no order of votes and overflows at no temperature.
    const auto weights = ((cosines - cosines.slice(1, 0, 1)) / temperature).exp();
    const auto votes =
        torch::zeros({block.size(0), classes}, weights.options())
            .scatter_add_(1, known_labels.index_select(0, nearest.flatten()).view_as(nearest), weights);
    const auto order = votes.argsort(/*stable=*/true, 1, /*descending=*/true).slice(1, 0, places);
    const auto right = order.eq(labels.slice(0, begin, begin + kQueriesAtOnce).unsqueeze(1));
    result.correct += right.select(1, 0).sum().item<int64_t>();
    result.in_first5 += right.any(1).sum().item<int64_t>();
    result.images += block.size(0);
  }
  return result;
}

}  // namespace mae
