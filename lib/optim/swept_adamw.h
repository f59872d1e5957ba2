#pragma once

#include <torch/torch.h>

#include <vector>

#include "kernels/adamw_update.h"
#include "optim/adamw.h"

namespace mae {

/// AdamW on a CPU that clips, decays, moves the weights and their averages in one sweep over memory, by a
/// kernel of lib/kernels on LibTorch's compute threads. Same state as AdamW and, but for last bits, same
/// steps; its own are the same bit for bit on any number of threads.
class SweptAdamW : public AdamW {
 public:
  /// Whether this processor has the kernel, and every parameter is contiguous float32 in its memory.
  static bool CanRun(const std::vector<ParamGroup>& groups);

  using AdamW::AdamW;

 private:
  // A parameter's part of the sweep.
  struct Run {
    AdamWFactors factors;
    AdamWElements elements;
    int64_t begin;           // of its elements, counted through all runs
    torch::Tensor gradient;  // kept for as long as it is read
  };

  void StepAll(double learning_rate, const torch::Tensor& gradient_scale) override;
  std::vector<Run> Runs(double learning_rate, float gradient_scale) const;
  AdamWFactors FactorsOf(size_t group, double learning_rate, double step) const;
  AdamWElements ElementsOf(size_t group, size_t index) const;
};

}  // namespace mae
