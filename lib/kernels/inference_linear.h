#pragma once

#include <variant>

#include "kernels/packed_linear.h"
#include "kernels/quantized_linear.h"

namespace mae {

/// How weights are kept for inference.
enum class WeightFormat {
  kBf16,  ///< PackedLinear
  kInt8,  ///< QuantizedLinear: activations are quantized for each product
};

/// A linear layer in either format, from bfloat16 rows; `room` is where kInt8 puts the quantized rows. The
/// rest as in PackedLinear.
class InferenceLinear {
 public:
  InferenceLinear(WeightFormat format, const float* weight, const float* bias, int64_t outputs,
                  int64_t inputs);

  int64_t inputs() const;
  int64_t outputs() const;

  void Forward(const uint16_t* x, int64_t rows, QuantizedRows& room, WorkTeam& team, uint16_t* y) const;
  void ForwardGelu(const uint16_t* x, int64_t rows, QuantizedRows& room, WorkTeam& team, uint16_t* y) const;
  void ForwardAdd(const uint16_t* x, int64_t rows, QuantizedRows& room, WorkTeam& team, float* y) const;

 private:
  std::variant<PackedLinear, QuantizedLinear> layer_;
};

}  // namespace mae
