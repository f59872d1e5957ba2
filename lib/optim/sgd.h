#pragma once

#include <torch/torch.h>

#include <vector>

#include "optim/optimizer.h"

namespace mae {

/// Stochastic gradient descent with momentum (Sutskever et al. 2013), weight decay added to the gradient:
/// d = g + decay x; m = momentum m + d; x -= rate m. Agrees with torch.optim.SGD without dampening and
/// without Nesterov. Its state is NAME.momentum_buffer (shape of the parameter) of every parameter, 0 at the
/// start.
class Sgd : public Optimizer {
 public:
  /// Buffers lie where their parameter does: move the module first.
  /// @param options momentum; weight decay comes with each group.
  Sgd(const std::vector<ParamGroup>& groups, const OptimizerOptions& options);

 protected:
  /// The direction that momentum gathers: the gradient with weight decay added.
  virtual torch::Tensor Direction(const torch::Tensor& parameter, double weight_decay) const;

 private:
  void StepGroup(size_t group, double learning_rate) override;
  NamedParameters OwnState() const override;

  const double momentum_;
  std::vector<std::vector<torch::Tensor>> buffers_;  ///< of each group, parallel to its parameters
};

}  // namespace mae
