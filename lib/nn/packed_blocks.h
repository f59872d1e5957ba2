#pragma once

#include <torch/torch.h>

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/work_team.h"
#include "kernels/inference_linear.h"
#include "nn/block.h"

namespace mae {

/// Transformer blocks for inference on a processor with bfloat16 instructions, written as one pass over a few
/// images at a time: no autograd, no tensors between the layers, activations in room that is kept. Weights
/// and the inputs of products are bfloat16, or 8-bit integers (WeightFormat); sums, residuals, LayerNorm,
/// softmax and GELU float32. An image's tokens do not depend on what else is in the batch, bit for bit.
/// Immutable; calls are thread-safe and run on LibTorch's compute threads (an image a thread), and on those
/// that may help and are idle (base/work_team.h): the numbers are the same with and without help.
class PackedBlocks {
 public:
  /// Whether blocks of these widths can be packed, on this processor: multiples of 16, heads too.
  static bool CanPack(int64_t dim, int64_t num_heads, int64_t hidden, WeightFormat format);

  /// Images of so many tokens that go through the blocks together: more a compute thread are no quicker.
  static int64_t ImagesTogether(int64_t tokens);

  /// Copies the weights of the blocks, which are of one shape.
  /// @param helpers threads that may help each other, and outlive this; nullptr: none.
  PackedBlocks(const std::vector<Block>& blocks, int64_t num_heads, double layer_norm_eps,
               WeightFormat format, WorkQueue* helpers = nullptr);
  ~PackedBlocks();

  /// @param x [B, N, dim] float32 on the CPU. @return the same shape.
  torch::Tensor Forward(const torch::Tensor& x) const;

  /// What the first token attends to in the last block, of which there is one at least. @return [B, heads,
  /// N].
  torch::Tensor FirstTokenWeights(const torch::Tensor& x) const;

 private:
  struct Layer;
  struct Room;  // activations of one pass

  std::unique_ptr<Room> TakeRoom(int64_t tokens) const ABSL_LOCKS_EXCLUDED(mutex_);
  void GiveBack(std::unique_ptr<Room> room) const ABSL_LOCKS_EXCLUDED(mutex_);
  /// x through the first of the blocks.
  torch::Tensor Through(const torch::Tensor& x, size_t blocks) const;
  void Run(float* x, int64_t images, int64_t tokens, size_t blocks) const;
  /// The queries, keys and values of a block's attention, to room.qkv.
  void Project(const Layer& layer, const float* x, int64_t rows, WorkTeam& team, Room& room) const;

  const int64_t num_heads_;
  const float eps_;
  const WeightFormat format_;
  WorkQueue* const helpers_;
  const int64_t most_helpers_;
  std::vector<Layer> layers_;
  mutable absl::Mutex mutex_;
  mutable std::vector<std::unique_ptr<Room>> rooms_
      ABSL_GUARDED_BY(mutex_);  ///< that nobody uses; one a thread at most
};

}  // namespace mae
