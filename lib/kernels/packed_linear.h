#pragma once

#include <cstdint>

#include "base/work_team.h"
#include "kernels/aligned_array.h"

namespace mae {

/// A linear layer on a processor with bfloat16 instructions (HasAvx512Bf16()): weights rounded to bfloat16
/// once and laid out as the product reads them, in panels of 64 outputs; sums and bias in float32. An output
/// value depends on its own row alone, bit for bit, whatever the number of rows. Const calls are thread-safe.
class PackedLinear {
 public:
  PackedLinear() = default;
  /// The weights are any numbers until they are set; no bias.
  PackedLinear(int64_t outputs, int64_t inputs);
  /// @param weight [outputs, inputs] row-major, bias [outputs] or nullptr; both are copied.
  /// @param outputs,inputs multiples of 16.
  PackedLinear(const float* weight, const float* bias, int64_t outputs, int64_t inputs);

  /// Sets a part of the weight, and the bias: weight as in the constructor, of the outputs `first` to `end`,
  /// multiples of 16. Parts may be set side by side.
  void SetWeight(const float* weight, const float* bias, int64_t first, int64_t end);
  /// Sets a part of a weight that lies the other way, [inputs, outputs], row-major, of the inputs `first` to
  /// `end`, multiples of 2; no bias. What a linear layer of that weight does to gradients on their way back.
  void SetTransposed(const float* weight, int64_t first, int64_t end);

  int64_t inputs() const { return inputs_; }
  int64_t outputs() const { return outputs_; }

  /// y = x W^T + b, on the threads of the team. x [rows, inputs], y [rows, outputs], both bfloat16 and dense.
  void Forward(const uint16_t* x, int64_t rows, WorkTeam& team, uint16_t* y) const;
  /// y = gelu(x W^T + b), the exact GELU.
  void ForwardGelu(const uint16_t* x, int64_t rows, WorkTeam& team, uint16_t* y) const;
  /// The same, which also leaves what gelu reads: before, bfloat16 [rows, outputs].
  void ForwardGelu(const uint16_t* x, int64_t rows, WorkTeam& team, uint16_t* before, uint16_t* y) const;
  /// Backwards through the gelu: gradient = x W^T * gelu'(before), y = gelu(before), all bfloat16 [rows,
  /// outputs].
  void BackwardGelu(const uint16_t* x, int64_t rows, WorkTeam& team, const uint16_t* before,
                    uint16_t* gradient, uint16_t* y) const;
  /// y = residual + scales[row] * (x W^T + b), y and residual float32. @param scales nullptr: all 1.
  void ForwardResidual(const uint16_t* x, int64_t rows, WorkTeam& team, const float* residual,
                       const float* scales, float* y) const;
  /// y += x W^T + b, y float32.
  void ForwardAdd(const uint16_t* x, int64_t rows, WorkTeam& team, float* y) const;

 private:
  AlignedArray<uint16_t> panels_;  ///< a panel a 64 outputs, the last one narrower: [inputs / 2][width][2]
  AlignedArray<float> bias_;
  int64_t inputs_ = 0, outputs_ = 0;
};

}  // namespace mae
