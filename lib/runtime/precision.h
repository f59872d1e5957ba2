#pragma once

#include <torch/torch.h>

#include "options/train_options.h"

namespace mae {

/// While it lives, and Precision is kBf16, matrix products of the present thread run in bf16 by LibTorch's
/// autocast; weights, sums of LayerNorm and softmax stay as they are. For kFp32 it does nothing. The thread's
/// former autocast settings come back at the end, and with the outermost scope the cached bf16 copies of the
/// weights go: make a scope a step, around the forward pass and the loss, not around backward or the
/// optimizer. Bound to its thread; scopes nest like blocks.
class AutocastScope {
 public:
  AutocastScope(const torch::Device& device, Precision precision);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  const bool active_;
  const torch::DeviceType type_;
  const bool was_enabled_;
  const torch::ScalarType former_dtype_;
};

}  // namespace mae
