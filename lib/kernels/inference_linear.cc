#include "kernels/inference_linear.h"

namespace mae {

InferenceLinear::InferenceLinear(WeightFormat format, const float* weight, const float* bias, int64_t outputs,
                                 int64_t inputs) {
  if (format == WeightFormat::kInt8) {
    layer_ = QuantizedLinear(weight, bias, outputs, inputs);
  } else {
    layer_ = PackedLinear(weight, bias, outputs, inputs);
  }
}

int64_t InferenceLinear::inputs() const {
  return std::visit([](const auto& layer) { return layer.inputs(); }, layer_);
}

int64_t InferenceLinear::outputs() const {
  return std::visit([](const auto& layer) { return layer.outputs(); }, layer_);
}

void InferenceLinear::Forward(const uint16_t* x, int64_t rows, QuantizedRows& room, uint16_t* y) const {
  if (const auto* bf16 = std::get_if<PackedLinear>(&layer_)) return bf16->Forward(x, rows, y);
  room.Set(x, rows, inputs());
  std::get<QuantizedLinear>(layer_).Forward(room, y);
}

void InferenceLinear::ForwardGelu(const uint16_t* x, int64_t rows, QuantizedRows& room, uint16_t* y) const {
  if (const auto* bf16 = std::get_if<PackedLinear>(&layer_)) return bf16->ForwardGelu(x, rows, y);
  room.Set(x, rows, inputs());
  std::get<QuantizedLinear>(layer_).ForwardGelu(room, y);
}

void InferenceLinear::ForwardAdd(const uint16_t* x, int64_t rows, QuantizedRows& room, float* y) const {
  if (const auto* bf16 = std::get_if<PackedLinear>(&layer_)) return bf16->ForwardAdd(x, rows, y);
  room.Set(x, rows, inputs());
  std::get<QuantizedLinear>(layer_).ForwardAdd(room, y);
}

}  // namespace mae
