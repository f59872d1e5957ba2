#pragma once

#include <torch/torch.h>

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "optim/ema.h"
#include "optim/param_groups.h"
#include "options/train_options.h"

namespace mae {

/// What moves the weights, whatever the rule:
///
///   for (…) { loss.backward();
///             optimizer->Step(rate, ClipScale(GradNorm(optimizer->Gradients()), 1.0));
///             optimizer->ZeroGrad(); }
///
/// Shares the parameters with their module, owns its own tensors. Gradients that backward passes add up
/// before a Step (gradient accumulation) belong to the state. Not thread-safe. Errors of LibTorch throw
/// c10::Error.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update, in place. A parameter without a gradient stays as it is, and what the optimizer keeps of it
  /// too.
  /// @param learning_rate of this step, see LearningRateAt; each group scales it by its learning_rate_scale.
  /// @param gradient_scale float32 scalar that the gradients count times, see ClipScale; undefined: once.
  /// What they are afterwards is of no use to anybody: ZeroGrad.
  void Step(double learning_rate, const torch::Tensor& gradient_scale = {});

  /// From here on every step ends with the averages' Update, in the same sweep over memory where the rule
  /// can.
  /// @param ema of the same parameters, outlives the steps; nullptr: none.
  void SetEma(Ema* ema) { ema_ = ema; }

  /// Whether StepOnDevice is there: AdamW alone.
  virtual bool steps_on_device() const { return false; }

  /// Step, with every number that changes on the device: the same launches each time, to be recorded.
  /// @param learning_rate float32 scalar. @param skip float32 scalar: 1 leaves weights, moments and averages
  /// as they are.
  virtual void StepOnDevice(const torch::Tensor& learning_rate, const torch::Tensor& skip);

  /// Forgets the gradients, so that the next backward pass writes instead of adding.
  void ZeroGrad();

  /// The gradients that are there, sharing memory, in order of the groups.
  std::vector<torch::Tensor> Gradients() const;

  /// For a checkpoint: what the rule keeps of each parameter, and NAME.grad where a gradient is there, which
  /// waits for the rest of its step. Shares memory: write it before the next backward pass or Step.
  NamedParameters State() const;

  /// Copies such a state in; a gradient that it lacks is forgotten, extra tensors are ignored.
  /// INVALID_ARGUMENT names every tensor that is missing or of another shape, and nothing changes.
  absl::Status LoadState(const NamedParameters& state);

 protected:
  explicit Optimizer(const std::vector<ParamGroup>& groups) : groups_(groups) {}

  const std::vector<ParamGroup>& groups() const { return groups_; }
  Ema* ema() const { return ema_; }

  /// Step, with gradients off: scales them, updates each group, then the averages.
  virtual void StepAll(double learning_rate, const torch::Tensor& gradient_scale);

 private:
  /// The update of the parameters of one group that have a gradient. Gradients are off.
  /// @param group counts from 0. @param learning_rate scaled for the group.
  virtual void StepGroup(size_t group, double learning_rate) = 0;

  /// What the rule keeps, by name, sharing memory.
  virtual NamedParameters OwnState() const = 0;

  std::vector<ParamGroup> groups_;
  Ema* ema_ = nullptr;
};

/// The optimizer that the options name, in the form that is fastest where the parameters are: move the module
/// first.
std::unique_ptr<Optimizer> MakeOptimizer(const std::vector<ParamGroup>& groups,
                                         const OptimizerOptions& options);

}  // namespace mae
