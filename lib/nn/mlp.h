#pragma once

#include <torch/torch.h>

namespace mae {

/// Two linears with an exact (erf) GELU between: [.., dim] -> [.., hidden] -> [.., dim].
class MlpImpl : public torch::nn::Module {
 public:
  MlpImpl(int64_t dim, int64_t hidden);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Linear fc1_, fc2_;
};
TORCH_MODULE(Mlp);

}  // namespace mae
