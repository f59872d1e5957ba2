#include "train/gradient_histogram.h"

namespace mae {
namespace {

constexpr int64_t kBuckets = 30;

}  // namespace

Histogram HistogramOf(const torch::Tensor& values) {
  const torch::NoGradGuard no_grad;
  const auto flat = values.detach().to(torch::kFloat64).flatten();
  const auto finite = flat.masked_select(torch::isfinite(flat)).cpu();
  Histogram histogram;
  histogram.count = static_cast<double>(finite.numel());
  if (finite.numel() == 0) return histogram;
  histogram.min = finite.min().item<double>();
  histogram.max = finite.max().item<double>();
  histogram.sum = finite.sum().item<double>();
  histogram.sum_squares = finite.square().sum().item<double>();
  if (histogram.min == histogram.max) {
    histogram.limits = {histogram.max};
    histogram.buckets = {histogram.count};
    return histogram;
  }
  const auto counts = torch::histc(finite, kBuckets, histogram.min, histogram.max);
  const double width = (histogram.max - histogram.min) / kBuckets;
  for (int64_t i = 0; i < kBuckets; ++i) {
    histogram.limits.push_back(i + 1 == kBuckets ? histogram.max
                                                 : histogram.min + width * static_cast<double>(i + 1));
    histogram.buckets.push_back(counts[i].item<double>());
  }
  return histogram;
}

std::vector<std::pair<std::string, Histogram>> GradientHistograms(const torch::nn::Module& module) {
  std::vector<std::pair<std::string, Histogram>> histograms;
  for (const auto& item : module.named_parameters()) {
    const auto& gradient = item.value().grad();
    if (gradient.defined()) histograms.emplace_back(item.key(), HistogramOf(gradient));
  }
  return histograms;
}

}  // namespace mae
