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

void InferenceLinear::Forward(const uint16_t* x, int64_t rows, QuantizedRows& room, WorkTeam& team,
                              uint16_t* y) const {
  if (const auto* bf16 = std::get_if<PackedLinear>(&layer_)) return bf16->Forward(x, rows, team, y);
  room.Set(x, rows, inputs(), team);
  std::get<QuantizedLinear>(layer_).Forward(room, team, y);
}

void InferenceLinear::ForwardGelu(const uint16_t* x, int64_t rows, QuantizedRows& room, WorkTeam& team,
                                  uint16_t* y) const {
  if (const auto* bf16 = std::get_if<PackedLinear>(&layer_)) return bf16->ForwardGelu(x, rows, team, y);
  room.Set(x, rows, inputs(), team);
  std::get<QuantizedLinear>(layer_).ForwardGelu(room, team, y);
}

void InferenceLinear::ForwardAdd(const uint16_t* x, int64_t rows, QuantizedRows& room, WorkTeam& team,
                                 float* y) const {
  if (const auto* bf16 = std::get_if<PackedLinear>(&layer_)) return bf16->ForwardAdd(x, rows, team, y);
  room.Set(x, rows, inputs(), team);
  std::get<QuantizedLinear>(layer_).ForwardAdd(room, team, y);
}

}  // namespace mae
