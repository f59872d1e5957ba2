#pragma once

#include <cstdint>

#include "base/work_team.h"
#include "kernels/aligned_array.h"

namespace mae {

/// A linear layer for inference on a processor with bfloat16 instructions (HasAvx512Bf16()): weights rounded
/// to bfloat16 once and laid out as the product reads them, in panels of 64 outputs; sums and bias in
/// float32. An output value depends on its own row alone, bit for bit, whatever the number of rows.
/// Immutable; calls are thread-safe.
class PackedLinear {
 public:
  PackedLinear() = default;
  /// @param weight [outputs, inputs] row-major, bias [outputs] or nullptr; both are copied.
  /// @param outputs,inputs multiples of 16.
  PackedLinear(const float* weight, const float* bias, int64_t outputs, int64_t inputs);

  int64_t inputs() const { return inputs_; }
  int64_t outputs() const { return outputs_; }

  /// y = x W^T + b, on the threads of the team. x [rows, inputs], y [rows, outputs], both bfloat16 and dense.
  void Forward(const uint16_t* x, int64_t rows, WorkTeam& team, uint16_t* y) const;
  /// y = gelu(x W^T + b), the exact GELU.
  void ForwardGelu(const uint16_t* x, int64_t rows, WorkTeam& team, uint16_t* y) const;
  /// y += x W^T + b, y float32.
  void ForwardAdd(const uint16_t* x, int64_t rows, WorkTeam& team, float* y) const;

 private:
  AlignedArray<uint16_t> panels_;  ///< a panel a 64 outputs, the last one narrower: [inputs / 2][width][2]
  AlignedArray<float> bias_;
  int64_t inputs_ = 0, outputs_ = 0;
};

}  // namespace mae
