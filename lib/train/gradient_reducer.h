#pragma once

#include <torch/torch.h>

#include <memory>

#include "runtime/process_group.h"

namespace c10d {
class Reducer;
}

namespace mae {

/// Averages the gradients of all ranks while the backward pass still runs: parameters lie in buckets, and
/// each bucket travels as soon as it is full. c10d's Reducer (Li et al. 2020, "PyTorch Distributed",
/// arXiv:2006.15704, sec. 3.2), as DistributedDataParallel has it. Gradients that are there already, and the
/// same on all ranks, are added to. One thread.
class GradientReducer {
 public:
  /// @param model the parameters that are trained, the same on all ranks; all of them take part in every
  /// loss.
  /// @param group of several ranks; outlives the reducer.
  GradientReducer(const torch::nn::Module& model, ProcessGroup& group);
  ~GradientReducer();
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  /// Before each forward pass.
  void BeginForward();
  /// The backward pass of a loss, at whose end every rank has the mean of the gradients, in the same bits.
  /// Throws GroupLostError if another rank is gone, and what the pass throws.
  void Backward(const torch::Tensor& loss);

 private:
  std::unique_ptr<c10d::Reducer> reducer_;
};

}  // namespace mae
