#include "nn/init.h"

#include <cmath>

namespace mae {
namespace {

double NormalCdf(double x) { return 0.5 * (1.0 + std::erf(x / std::sqrt(2.0))); }

}  // namespace

void TruncNormal(torch::Tensor tensor, double std_dev, double mean, double low, double high) {
  torch::NoGradGuard no_grad;
  const double low_cdf = NormalCdf((low - mean) / std_dev);
  const double high_cdf = NormalCdf((high - mean) / std_dev);
  tensor.uniform_(2 * low_cdf - 1, 2 * high_cdf - 1)
      .erfinv_()
      .mul_(std_dev * std::sqrt(2.0))
      .add_(mean)
      .clamp_(low, high);
}

void XavierUniform(torch::Tensor weight) {
  torch::NoGradGuard no_grad;
  const auto fan_out = weight.size(0);
  const auto fan_in = weight.numel() / fan_out;
  const double bound = std::sqrt(6.0 / static_cast<double>(fan_in + fan_out));
  weight.uniform_(-bound, bound);
}

void InitLinears(torch::nn::Module& root, const std::function<void(torch::Tensor)>& fill) {
  torch::NoGradGuard no_grad;
  for (const auto& module : root.modules(/*include_self=*/false)) {
    if (auto* linear = module->as<torch::nn::Linear>()) {
      fill(linear->weight);
      if (linear->bias.defined()) linear->bias.zero_();
    }
  }
}

}  // namespace mae
