#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <utility>

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

/// A linear layer's weight in bfloat16, as products forwards and backwards read it. Packed again when the
/// parameter has changed, so once a step and not once a use. Thread-safe, if the parameter rests.
class TrainedLinear {
 public:
  TrainedLinear(torch::Tensor weight, torch::Tensor bias);

  /// Makes both current. @param wait false: leaves it to the thread that is at it.
  void Refresh(bool wait) ABSL_NO_THREAD_SAFETY_ANALYSIS;

  /// y = x W^T + b, and dx = dy W. Current since the last Refresh.
  const PackedLinear& forward() const { return forward_; }
  const PackedLinear& backward() const { return backward_; }

 private:
  const torch::Tensor weight_, bias_;
  absl::Mutex mutex_;
  std::pair<const void*, int64_t> packed_{nullptr, -1};  ///< the weight's storage and version
  std::pair<const void*, int64_t> packed_bias_{nullptr, -1};
  PackedLinear forward_, backward_;
};

/// A transformer block as one node of the autograd graph, forwards and backwards by the kernels of
/// lib/kernels: bf16 products with float32 sums, and float32 residuals, LayerNorm, softmax and GELU, which is
/// what autocast to bf16 does. For processors with bfloat16 instructions. Of the forward pass it keeps the
/// block's input, qkv, what attention mixed, the residual between, and what GELU reads: 24 * dim bytes a
/// token with an mlp_ratio of 4.
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
  /// @return float32 [B, N - first_output, dim].
  static torch::Tensor Run(const c10::intrusive_ptr<FusedBlock>& block, const torch::Tensor& x,
                           int64_t first_output, const torch::Tensor& attention_scales,
                           const torch::Tensor& mlp_scales);

  /// Makes the packed weights those of the parameters; threads that call it together share the work.
  void Refresh();

  const BlockWidths& widths() const { return widths_; }
  const BlockParameters& parameters() const { return parameters_; }
  const TrainedLinear& qkv() const { return qkv_; }
  const TrainedLinear& proj() const { return proj_; }
  const TrainedLinear& fc1() const { return fc1_; }
  const TrainedLinear& fc2() const { return fc2_; }

 private:
  const BlockWidths widths_;
  const BlockParameters parameters_;
  TrainedLinear qkv_, proj_, fc1_, fc2_;
};

}  // namespace mae
