#pragma once

#include <torch/torch.h>

#include <vector>

#include "absl/status/status.h"
#include "optim/param_groups.h"
#include "options/train_options.h"

namespace mae {

/// AdamW with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2), each group of
/// parameters in one fused kernel; agrees with torch.optim.AdamW.
///
///   for (…) { loss.backward(); ClipGradNorm(adamw.Gradients(), 1.0); adamw.Step(rate); adamw.ZeroGrad(); }
///
/// Shares the parameters with their module, owns the moments. Not thread-safe. Errors of LibTorch throw
/// c10::Error.
class AdamW {
 public:
  /// Moments start at 0 on the device and in the type of their parameter: move the module first.
  /// @param options betas and epsilon; weight decay comes with each group.
  AdamW(const std::vector<ParamGroup>& groups, const OptimizerOptions& options);

  /// One update, in place. A parameter without a gradient stays as it is, its moments and count too.
  /// @param learning_rate of this step, see LearningRateAt.
  void Step(double learning_rate);

  /// Forgets the gradients, so that the next backward pass writes instead of adding.
  void ZeroGrad();

  /// The gradients that are there, sharing memory, in order of the groups.
  std::vector<torch::Tensor> Gradients() const;

  /// For a checkpoint: NAME.exp_avg, NAME.exp_avg_sq (shape of the parameter) and NAME.step (float32 scalar)
  /// of every parameter. Shares memory: write it before the next Step.
  NamedParameters State() const;

  /// Copies such a state in; extra tensors are ignored. INVALID_ARGUMENT names every tensor that is missing
  /// or of another shape, and nothing changes.
  absl::Status LoadState(const NamedParameters& state);

 private:
  // Parallel lists, as the fused kernel takes them.
  struct Group {
    std::vector<std::string> names;
    std::vector<torch::Tensor> parameters, exp_avgs, exp_avg_sqs, steps;
    double weight_decay = 0.0;
  };
  void StepGroup(Group& group, double learning_rate);

  double beta1_, beta2_, epsilon_;
  std::vector<Group> groups_;
};

}  // namespace mae
