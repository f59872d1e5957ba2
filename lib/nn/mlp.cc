#include "nn/mlp.h"

namespace mae {

MlpImpl::MlpImpl(int64_t dim, int64_t hidden)
    : fc1_(register_module("fc1", torch::nn::Linear(dim, hidden))),
      fc2_(register_module("fc2", torch::nn::Linear(hidden, dim))) {}

torch::Tensor MlpImpl::forward(const torch::Tensor& x) { return fc2_(torch::gelu(fc1_(x))); }

}  // namespace mae
