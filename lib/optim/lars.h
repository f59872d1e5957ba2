#pragma once

#include <torch/torch.h>

#include <vector>

#include "optim/sgd.h"

namespace mae {

/// Layer-wise adaptive rate scaling (You et al. 2017, arXiv:1708.03888) as MAE's linear probing uses it
/// (He et al. 2022, appendix A.1; the form of MoCo v3): momentum SGD in which a parameter of two dimensions
/// and more moves along
///
///   d = (g + decay x) * trust |x| / |g + decay x|      (by 1 instead where either norm is 0)
///
/// whether it has weight decay or not. Biases and other vectors are not scaled: their step is that of Sgd.
class Lars : public Sgd {
 public:
  /// @param options momentum and trust_coefficient; weight decay comes with each group.
  Lars(const std::vector<ParamGroup>& groups, const OptimizerOptions& options)
      : Sgd(groups, options), trust_(options.trust_coefficient) {}

 protected:
  torch::Tensor Direction(const torch::Tensor& parameter, double weight_decay) const override;

 private:
  const double trust_;
};

}  // namespace mae
