#pragma once

#include <torch/torch.h>

#include <cstdint>

/// k-nearest-neighbour classification of features (Wu et al. 2018, arXiv:1805.01978, sec. 3.4).
namespace mae {

struct KnnResult {
  int64_t images = 0;
  int64_t correct = 0;    ///< whose strongest class is the right one
  int64_t in_first5 = 0;  ///< whose right class is among the five strongest
};

/// Labels each query by the `neighbors` known features of highest cosine: a vote weighs exp(cosine /
/// temperature). Of classes with equal votes the first counts.
/// @param known [N, D], known_labels [N] int64, queries [M, D], labels [M] int64: on one device, any float
/// type.
///   N, M at least 1; labels in 0 .. classes-1.
/// @param neighbors at least 1; more than N: N.
/// Memory: a block of 256 queries by N at a time.
KnnResult ClassifyByNeighbors(const torch::Tensor& known, const torch::Tensor& known_labels,
                              const torch::Tensor& queries, const torch::Tensor& labels, int64_t classes,
                              int64_t neighbors, double temperature);

}  // namespace mae
