#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "optim/optimizer.h"

namespace mae {

/// AdamW with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2), each group of
/// parameters in one fused kernel of LibTorch; agrees with torch.optim.AdamW. Its state is NAME.exp_avg,
/// NAME.exp_avg_sq (shape of the parameter) and NAME.step (float32 scalar) of every parameter.
class AdamW : public Optimizer {
 public:
  /// Moments start at 0 on the device and in the type of their parameter: move the module first.
  /// @param options betas and epsilon; weight decay comes with each group.
  AdamW(const std::vector<ParamGroup>& groups, const OptimizerOptions& options);

  bool steps_on_device() const override { return true; }
  void StepOnDevice(const torch::Tensor& learning_rate, const torch::Tensor& skip) override;

 protected:
  // Parallel to the parameters of a group, as the fused kernel takes them.
  struct Moments {
    std::vector<torch::Tensor> exp_avgs, exp_avg_sqs, steps;
  };

  double beta1() const { return beta1_; }
  double beta2() const { return beta2_; }
  double epsilon() const { return epsilon_; }
  const std::vector<Moments>& moments() const { return moments_; }  ///< of each group

 private:
  // Of a group's parameters those that have a gradient, parallel.
  struct Due {
    std::vector<torch::Tensor> parameters, gradients;
    Moments moments;
  };
  Due DueOf(size_t group) const;
  void StepGroup(size_t group, double learning_rate) override;
  NamedParameters OwnState() const override;

  const double beta1_, beta2_, epsilon_;
  std::vector<Moments> moments_;
};

}  // namespace mae
