#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>

#include "nn/fused_block.h"

/// The two passes of a FusedBlock. Rows are tokens, image after image.
namespace mae {

/// Rows that a thread takes through a block together: enough for a weight, or its gradient, to be read once
/// for many products, few enough for what lies between the layers to stay near.
inline constexpr int64_t kBlockRows = 256;

/// The values of a bfloat16 tensor.
inline uint16_t* Bf16Data(const torch::Tensor& tensor) { return static_cast<uint16_t*>(tensor.data_ptr()); }

/// What the backward pass needs of the forward pass. M = N - first_output.
struct BlockActivations {
  torch::Tensor x;         ///< float32 [B, N, dim]
  torch::Tensor qkv;       ///< bfloat16 [B, N, 3 * dim]
  torch::Tensor mixed;     ///< bfloat16 [B, M, dim]: what attention gives its projection
  torch::Tensor attended;  ///< float32 [B, M, dim]: the residual between attention and MLP
  torch::Tensor before;    ///< bfloat16 [B, M, hidden]: what GELU reads
  torch::Tensor attention_scales, mlp_scales;  ///< float32 [B], or undefined
};

/// @param kept x and the scales are set, x contiguous; sets the rest. @return float32 [B, M, dim].
torch::Tensor BlockForward(FusedBlock& block, int64_t first_output, BlockActivations& kept);

/// Sets the rest of `kept` alone, to the same bits.
void RecomputeActivations(FusedBlock& block, int64_t first_output, BlockActivations& kept);

struct BlockGradients {
  torch::Tensor x;                           ///< float32 [B, N, dim]
  std::array<torch::Tensor, 12> parameters;  ///< as BlockParameters::All; undefined where none is wanted
};

/// @param gradient of the output, float32 [B, M, dim], contiguous.
/// @param wanted of which parameters; where one of a weight and its bias is, both are made.
BlockGradients BlockBackward(FusedBlock& block, int64_t first_output, const BlockActivations& kept,
                             const torch::Tensor& gradient, const std::array<bool, 12>& wanted);

}  // namespace mae
