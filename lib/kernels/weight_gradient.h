#pragma once

#include <cstdint>

#include "kernels/aligned_array.h"

namespace mae {

/// The inputs of a linear layer, laid out for the gradient of its weight. Needs HasAvx512Bf16(). Threads may
/// share the panels of Set; everything else is for one at a time.
class PairedInputs {
 public:
  /// @param max_rows the most that Set will be given; width: the layer's inputs, a multiple of 16.
  PairedInputs(int64_t max_rows, int64_t width);

  /// Makes it hold `rows` rows, at most max_rows; Set of each panel follows.
  void Resize(int64_t rows) { rows_ = rows; }
  int64_t panels() const;  ///< of 64 columns, the last one narrower
  /// Lays one panel of columns out. Panels may be set side by side.
  /// @param x bfloat16 [rows, width], dense.
  void Set(int64_t panel, const uint16_t* x);

  int64_t rows() const { return rows_; }
  int64_t width() const { return width_; }
  const uint16_t* panel(int64_t index) const { return values_.data() + PanelStart(index); }

 private:
  int64_t PanelStart(int64_t index) const;

  int64_t width_, rows_ = 0;
  AlignedArray<uint16_t> values_;
};

/// Outputs that WeightGradient takes together.
inline constexpr int64_t kOutputGroup = 12;

/// The gradients of a linear layer's weight, weight[o][i] = sum over rows of dy[r][o] * x[r][i], and of its
/// bias, the sum of dy, for the outputs `first` to `end`: products of bfloat16, summed in float32 in the
/// order of the rows. Needs HasAvx512Bf16(). Thread-safe for outputs of different groups.
/// @param dy bfloat16 [rows of x, outputs].
/// @param first a multiple of kOutputGroup. @param end likewise, or outputs.
/// @param add to what is there, instead of setting it.
/// @param weight float32 [outputs, inputs]. @param bias [outputs] or nullptr.
void WeightGradient(const uint16_t* dy, int64_t outputs, int64_t first, int64_t end, const PairedInputs& x,
                    bool add, float* weight, float* bias);

}  // namespace mae
