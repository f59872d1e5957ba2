#pragma once

#include <torch/torch.h>

#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "optim/param_groups.h"

namespace mae {

/// An exponential moving average of weights (Polyak & Juditsky 1992; as timm and torch.optim.swa_utils have
/// it): average = decay average + (1 - decay) weight after each step, the weights themselves at the start.
/// Of the trainable parameters: what is frozen equals its average, and buffers (running statistics) are
/// averages already. Shares the parameters with their module, owns the averages. Not thread-safe.
class Ema {
 public:
  /// Averages lie where their parameter does: move the module first.
  /// @param decay in [0, 1); 0: the average is the weight.
  Ema(const torch::nn::Module& module, double decay);

  /// Takes the present weights in. Due after each step of the optimizer, see Optimizer::SetEma.
  void Update();
  /// Of one parameter alone; nothing happens where it has no average.
  void Update(const torch::Tensor& parameter);

  /// What stands for a parameter here, sharing memory; undefined if it has no average.
  torch::Tensor AverageOf(const torch::Tensor& parameter) const;
  /// Of the present weight in the average after an Update: 1 - decay.
  double share() const { return 1.0 - decay_; }

  /// Update on the device, whose launches can be recorded.
  /// @param skip float32 scalar there: 1 leaves the averages as they are.
  void UpdateUnless(const torch::Tensor& skip);

  /// Exchanges weights and averages, in place; once more puts all back. Update and steps of an optimizer
  /// between the two would mix them up: see AveragedWeights.
  void Swap();

  /// For a checkpoint: NAME.ema of every averaged parameter, sharing memory.
  NamedParameters State() const;

  /// INVALID_ARGUMENT names every tensor that is missing or of another shape, and nothing changes.
  absl::Status LoadState(const NamedParameters& state);

 private:
  const double decay_;
  NamedParameters parameters_;
  std::vector<torch::Tensor> averages_;  ///< parallel to parameters_
  std::unordered_map<const c10::TensorImpl*, torch::Tensor> average_of_;
};

/// While it lives, the module has the averages as its weights; nothing happens without an Ema.
class AveragedWeights {
 public:
  /// @param ema outlives the scope; may be nullptr.
  explicit AveragedWeights(Ema* ema) : ema_(ema) {
    if (ema_ != nullptr) ema_->Swap();
  }
  ~AveragedWeights() {
    if (ema_ != nullptr) ema_->Swap();
  }
  AveragedWeights(const AveragedWeights&) = delete;
  AveragedWeights& operator=(const AveragedWeights&) = delete;

 private:
  Ema* const ema_;
};

}  // namespace mae
