#include "server/inference_to_proto.h"

#include "base/status_macros.h"
#include "server/class_scores.h"
#include "server/reconstruction_png.h"

namespace mae {
namespace {

absl::Status DrawInto(const ReconstructionResult& result, int64_t scale, v1::Reconstruction& message) {
  using enum ReconstructionPicture;
  MAE_ASSIGN_OR_RETURN(*message.mutable_original_png(), DrawPng(result, kOriginal, scale));
  MAE_ASSIGN_OR_RETURN(*message.mutable_masked_png(), DrawPng(result, kMasked, scale));
  MAE_ASSIGN_OR_RETURN(*message.mutable_reconstruction_png(), DrawPng(result, kReconstruction, scale));
  MAE_ASSIGN_OR_RETURN(*message.mutable_pasted_png(), DrawPng(result, kPasted, scale));
  MAE_ASSIGN_OR_RETURN(*message.mutable_panel_png(), DrawPng(result, kPanel, scale));
  return absl::OkStatus();
}

}  // namespace

v1::Tensor ToProto(const FloatTensor& tensor) {
  v1::Tensor message;
  message.mutable_shape()->Assign(tensor.shape.begin(), tensor.shape.end());
  message.set_data(tensor.values.data(), tensor.values.size() * sizeof(float));
  return message;
}

absl::StatusOr<v1::Reconstruction> ToProto(const ReconstructionResult& result, int64_t scale) {
  v1::Reconstruction message;
  message.set_loss(result.loss);
  message.mutable_hidden()->Assign(result.hidden.begin(), result.hidden.end());
  message.mutable_ids_restore()->Assign(result.ids_restore.begin(), result.ids_restore.end());
  if (!result.original.pixels.empty()) MAE_RETURN_IF_ERROR(DrawInto(result, scale, message));
  if (!result.prediction.values.empty()) {
    *message.mutable_prediction() = ToProto(result.prediction);
    *message.mutable_pixels() = ToProto(result.pixels);
  }
  return message;
}

v1::Classification ToProto(const std::vector<float>& logits, int64_t top_k,
                           const std::vector<std::string>& labels, bool with_logits) {
  v1::Classification message;
  const auto probabilities = Softmax(logits);
  for (const int64_t index : HighestFirst(probabilities, top_k)) {
    auto& score = *message.add_scores();
    score.set_index(static_cast<int32_t>(index));
    score.set_probability(probabilities[index]);
    if (labels.size() == logits.size()) score.set_label(labels[index]);
  }
  if (with_logits) message.mutable_logits()->Assign(logits.begin(), logits.end());
  return message;
}

}  // namespace mae
