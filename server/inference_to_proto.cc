#include "server/inference_to_proto.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/status_macros.h"
#include "image/panel.h"

namespace mae {
namespace {

constexpr int64_t kPanelGap = 8;

absl::Status DrawInto(const ReconstructionResult& result, int64_t scale, v1::Reconstruction& message) {
  std::vector<Picture> row = {Magnify(result.original, scale), Magnify(result.masked, scale),
                              Magnify(result.reconstruction, scale), Magnify(result.pasted, scale)};
  MAE_ASSIGN_OR_RETURN(*message.mutable_original_png(), EncodePng(row[0]));
  MAE_ASSIGN_OR_RETURN(*message.mutable_masked_png(), EncodePng(row[1]));
  MAE_ASSIGN_OR_RETURN(*message.mutable_reconstruction_png(), EncodePng(row[2]));
  MAE_ASSIGN_OR_RETURN(*message.mutable_pasted_png(), EncodePng(row[3]));
  MAE_ASSIGN_OR_RETURN(
      const auto panel,
      ComposePanel({std::move(row)}, {"original", "masked", "reconstruction", "pasted"}, kPanelGap));
  MAE_ASSIGN_OR_RETURN(*message.mutable_panel_png(), EncodePng(panel));
  return absl::OkStatus();
}

std::vector<float> Softmax(const std::vector<float>& logits) {
  const float highest = *std::max_element(logits.begin(), logits.end());
  std::vector<float> values(logits.size());
  std::transform(logits.begin(), logits.end(), values.begin(),
                 [=](float x) { return std::exp(x - highest); });
  const float sum = std::accumulate(values.begin(), values.end(), 0.0F);
  for (float& value : values) value /= sum;
  return values;
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
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::partial_sort(order.begin(), order.begin() + top_k, order.end(), [&](int32_t a, int32_t b) {
    return probabilities[a] != probabilities[b] ? probabilities[a] > probabilities[b] : a < b;
  });
  for (int64_t i = 0; i < top_k; ++i) {
    auto& score = *message.add_scores();
    score.set_index(order[i]);
    score.set_probability(probabilities[order[i]]);
    if (labels.size() == logits.size()) score.set_label(labels[order[i]]);
  }
  if (with_logits) message.mutable_logits()->Assign(logits.begin(), logits.end());
  return message;
}

}  // namespace mae
