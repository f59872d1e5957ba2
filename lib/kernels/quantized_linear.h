#pragma once

#include <cstdint>
#include <vector>

#include "base/work_team.h"
#include "kernels/aligned_array.h"

namespace mae {

/// Rows of activations as 8-bit integers: value = scale * (level - zero), a scale and a zero a row, so that
/// the row's smallest and largest value are levels 0 and 255, or one off (asymmetric, dynamic quantization;
/// Jacob et al. 2018, arXiv:1712.05877, sec. 2.1). Needs HasAvx512Bf16(). Not thread-safe.
class QuantizedRows {
 public:
  /// @param max_rows,max_width the most that Set will be given.
  QuantizedRows(int64_t max_rows, int64_t max_width);

  /// On the threads of the team. @param x bfloat16 [rows, width]; width a multiple of 16. A row with a value
  /// that is not finite makes NaNs.
  void Set(const uint16_t* x, int64_t rows, int64_t width, WorkTeam& team);

  int64_t rows() const { return rows_; }
  const uint8_t* levels() const { return levels_.data(); }  ///< [rows, width]
  float scale(int64_t row) const { return scales_[static_cast<size_t>(row)]; }
  int32_t zero(int64_t row) const { return zeros_[static_cast<size_t>(row)]; }

 private:
  int64_t rows_ = 0;
  AlignedArray<uint8_t> levels_;
  std::vector<float> scales_;
  std::vector<int32_t> zeros_;
};

/// A linear layer for inference with weights of 8 bits: a scale an output, symmetric; activations are
/// QuantizedRows. Sums are exact integers, so an output value depends on its own row alone. Half the memory
/// of PackedLinear and up to twice its speed. Needs HasAvx512Bf16(). Immutable; calls are thread-safe.
class QuantizedLinear {
 public:
  QuantizedLinear() = default;
  /// @param weight [outputs, inputs] row-major, bias [outputs] or nullptr; both are copied.
  /// @param outputs,inputs multiples of 16; inputs at most 65536, or sums could overflow.
  QuantizedLinear(const float* weight, const float* bias, int64_t outputs, int64_t inputs);

  int64_t inputs() const { return inputs_; }
  int64_t outputs() const { return outputs_; }

  /// y = x W^T + b, on the threads of the team; y bfloat16 [rows, outputs].
  void Forward(const QuantizedRows& x, WorkTeam& team, uint16_t* y) const;
  /// y = gelu(x W^T + b).
  void ForwardGelu(const QuantizedRows& x, WorkTeam& team, uint16_t* y) const;
  /// y += x W^T + b, y float32.
  void ForwardAdd(const QuantizedRows& x, WorkTeam& team, float* y) const;

 private:
  AlignedArray<int8_t> panels_;  ///< a panel a 64 outputs, the last one narrower: [inputs / 4][width][4]
  AlignedArray<float> scales_, bias_;
  AlignedArray<int32_t> weight_sums_;  ///< of each output's levels: what an activation's zero adds
  int64_t inputs_ = 0, outputs_ = 0;
};

}  // namespace mae
