#pragma once

#include <cstdint>

#include "kernels/aligned_array.h"

namespace mae {

/// Backwards through BlockAttention (kernels/attention.h) of one image's tokens, all heads. The shares are
/// computed again from the queries and keys: nothing but those is kept of the forward pass (as in Dao et al.
/// 2022, arXiv:2205.14135, sec. 3.1). Products of bfloat16 with float32 sums. Needs HasAvx512Bf16(). Holds
/// the room it works in: one object a thread.
class AttentionGradient {
 public:
  /// @param max_tokens the most that Backward will be given. @param head_dim a multiple of 16.
  AttentionGradient(int64_t max_tokens, int64_t num_heads, int64_t head_dim);

  /// @param qkv bfloat16 [tokens, 3, num_heads, head_dim].
  /// @param first_query queries before it took no part; their gradient is zero.
  /// @param mixed_gradient bfloat16 [tokens - first_query, num_heads, head_dim].
  /// @param gradient of qkv, bfloat16, of its shape; set.
  void Backward(const uint16_t* qkv, int64_t tokens, int64_t first_query, const uint16_t* mixed_gradient,
                uint16_t* gradient);

 private:
  void Head(const uint16_t* q, int64_t tokens, int64_t first_query, const uint16_t* mixed_gradient,
            uint16_t* gradient);
  /// Sets shares_ and score_gradients_ of all queries.
  void Scores(const uint16_t* q, int64_t queries, int64_t tokens, const uint16_t* mixed_gradient);

  int64_t num_heads_, head_dim_;
  AlignedArray<uint16_t> keys_, values_;                             ///< tokens as columns
  AlignedArray<uint16_t> key_tokens_, query_tokens_, mixed_tokens_;  ///< the head's width as columns
  AlignedArray<float> scores_, share_gradients_;                     ///< [6][columns]
  AlignedArray<uint16_t> shares_, score_gradients_;                  ///< [queries][columns]
  AlignedArray<uint16_t> pairs_;                                     ///< of one of them
};

}  // namespace mae
