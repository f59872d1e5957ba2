#pragma once

#include <torch/torch.h>

#include <memory>
#include <vector>

#include "nn/block.h"
#include "nn/packed_blocks.h"

namespace mae {

/// Transformer blocks, one after another, named "0", "1", and so on.
class BlockStackImpl : public torch::nn::Module {
 public:
  /// @param drop_path stochastic depth of the last block, rising linearly from 0 in the first.
  BlockStackImpl(int64_t depth, int64_t dim, int64_t num_heads, const EncoderOptions& shared,
                 double drop_path = 0.0);

  /// @param x [B, N, dim].
  /// @param first_output tokens before it are left out of the last block's output.
  /// @return [B, N - first_output, dim].
  torch::Tensor forward(torch::Tensor x, int64_t first_output = 0);

  /// BlockImpl::RecomputeActivations of every block.
  void RecomputeActivations() {
    for (auto& block : blocks_) block->RecomputeActivations();
  }

  /// What the first token attends to in the last block, of which there is one at least.
  /// @param x [B, N, dim]. @return [B, heads, N]; each row's sum is 1.
  torch::Tensor FirstTokenWeights(torch::Tensor x);

  /// For inference on a CPU from here on: the blocks become packed ones (PackedBlocks) where that can be, and
  /// their parameters are let go of. Call before the module is shared between threads.
  /// @param helpers threads that may help a pass, and outlive the module; nullptr: none.
  /// @return whether they could.
  bool Pack(WeightFormat format, WorkQueue* helpers = nullptr);

 private:
  int64_t dim_, num_heads_, hidden_;
  double layer_norm_eps_;
  std::vector<Block> blocks_;
  std::unique_ptr<PackedBlocks> packed_;
};
TORCH_MODULE(BlockStack);

}  // namespace mae
