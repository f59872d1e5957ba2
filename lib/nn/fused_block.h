#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "kernels/packed_linear.h"

namespace mae {

struct BlockWidths {
  int64_t dim = 0, num_heads = 0, hidden = 0;
  float layer_norm_eps = 1e-6F;
};

/// The parameters of a transformer block (nn/block.h), in this order; a bias that the block lacks is
/// undefined.
struct BlockParameters {
  torch::Tensor norm1_weight, norm1_bias, qkv_weight, qkv_bias, proj_weight, proj_bias;
  torch::Tensor norm2_weight, norm2_bias, fc1_weight, fc1_bias, fc2_weight, fc2_bias;

  std::array<torch::Tensor, 12> All() const;
};

/// A linear layer whose weight is packed in bfloat16 when a pass needs it, and let go of with the last pass
/// that holds it: two lasting copies would be as large as the weight, and could be of an earlier step.
/// Thread-safe, if the parameters rest.
class TrainedLinear {
 public:
  TrainedLinear(torch::Tensor weight, torch::Tensor bias);

  /// y = x W^T + b. Packed on LibTorch's compute threads, unless another thread has it packed now.
  std::shared_ptr<const PackedLinear> Forward();
  /// Likewise, dx = dy W.
  std::shared_ptr<const PackedLinear> Backward();

 private:
  const torch::Tensor weight_, bias_;
  absl::Mutex mutex_;
  std::weak_ptr<const PackedLinear> forward_ ABSL_GUARDED_BY(mutex_), backward_ ABSL_GUARDED_BY(mutex_);
};

/// A transformer block as one node of the autograd graph, forwards and backwards by the kernels of
/// lib/kernels: bf16 products with float32 sums, and float32 residuals, LayerNorm, softmax and GELU, no
/// coarser than autocast to bf16. For processors with bfloat16 instructions. Of the forward pass it keeps the
/// block's input, qkv, what attention mixed, the residual between, and what GELU reads: 24 * dim bytes a
/// token with an mlp_ratio of 4; or the input alone, 4 * dim bytes, and the backward pass makes the rest
/// again.
///
/// Calls from several threads are safe while the parameters rest. Runs on LibTorch's compute threads.
class FusedBlock : public torch::CustomClassHolder {
 public:
  /// Whether a block of these widths can be run so on this processor: multiples of 16, a head's too.
  static bool CanRun(const BlockWidths& widths);

  FusedBlock(const BlockWidths& widths, BlockParameters parameters);

  /// @param x [B, N, dim] on the CPU.
  /// @param first_output tokens before it are only attended to.
  /// @param attention_scales,mlp_scales float32 [B]: factors of the branches by image (stochastic depth), or
  /// undefined.
  /// @param recompute keep the input alone. Changes no bit of a result.
  /// @return float32 [B, N - first_output, dim].
  static torch::Tensor Run(const c10::intrusive_ptr<FusedBlock>& block, const torch::Tensor& x,
                           int64_t first_output, const torch::Tensor& attention_scales,
                           const torch::Tensor& mlp_scales, bool recompute = false);

  const BlockWidths& widths() const { return widths_; }
  const BlockParameters& parameters() const { return parameters_; }
  TrainedLinear& qkv() { return qkv_; }
  TrainedLinear& proj() { return proj_; }
  TrainedLinear& fc1() { return fc1_; }
  TrainedLinear& fc2() { return fc2_; }

 private:
  const BlockWidths widths_;
  const BlockParameters parameters_;
  TrainedLinear qkv_, proj_, fc1_, fc2_;
};

}  // namespace mae
