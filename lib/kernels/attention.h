#pragma once

#include <cstdint>

#include "base/work_team.h"
#include "kernels/aligned_array.h"

namespace mae {

/// Scaled dot-product self-attention (Vaswani et al. 2017, sec. 3.2) of one image's tokens, all heads, for
/// short sequences: the scores of a few queries against every key stay in the first-level cache. Products in
/// bfloat16 with float32 sums, softmax in float32. Needs HasAvx512Bf16(). Holds the room it works in: one
/// object a thread.
class BlockAttention {
 public:
  /// @param max_tokens the most that Forward will be given.
  /// @param head_dim a multiple of 16.
  /// @param members the most of a team that Forward will be given.
  BlockAttention(int64_t max_tokens, int64_t num_heads, int64_t head_dim, int64_t members);

  /// On the threads of the team.
  /// @param qkv bfloat16 [tokens, 3, num_heads, head_dim].
  /// @param mixed bfloat16 [tokens - first_query, num_heads, head_dim].
  /// @param first_query tokens before it are only attended to.
  void Forward(const uint16_t* qkv, int64_t tokens, WorkTeam& team, uint16_t* mixed, int64_t first_query = 0);

 private:
  /// Lays out the keys or the values of a head.
  void Pack(const uint16_t* qkv, int64_t tokens, int64_t head, bool keys);
  /// What the queries first to end of a head read. @param asked qkv of query 0. @param member whose room it
  /// works in.
  void Mix(const uint16_t* asked, int64_t tokens, int64_t head, int64_t first, int64_t end, int64_t member,
           uint16_t* mixed);

  int64_t num_heads_, head_dim_;
  int64_t max_columns_;          ///< tokens, to a multiple of 16
  AlignedArray<uint16_t> keys_;  ///< a head: panels of 64 keys, [head_dim / 2][width][2]
  AlignedArray<uint16_t>
      values_;  ///< a head: panels of 64 columns, [tokens / 2][width][2], tokens filled up with zeros
  AlignedArray<float> scores_;     ///< a member: [6][max_columns]
  AlignedArray<uint16_t> shares_;  ///< the same, e^score, not divided by its sum yet
};

}  // namespace mae
