#include "server/inference_to_proto.h"

#include <string>
#include <utility>

#include "base/status_macros.h"
#include "server/attention_drawing.h"
#include "server/class_scores.h"
#include "server/reconstruction_drawing.h"

namespace mae {
namespace {

absl::Status DrawInto(const ReconstructionResult& result, const PictureStyle& style,
                      v1::Reconstruction& message) {
  using enum ReconstructionPicture;
  const struct {
    ReconstructionPicture picture;
    std::string* (v1::Reconstruction::*png)();
    std::string* (v1::Reconstruction::*webp)();
  } fields[] = {
      {kOriginal, &v1::Reconstruction::mutable_original_png, &v1::Reconstruction::mutable_original_webp},
      {kMasked, &v1::Reconstruction::mutable_masked_png, &v1::Reconstruction::mutable_masked_webp},
      {kReconstruction, &v1::Reconstruction::mutable_reconstruction_png,
       &v1::Reconstruction::mutable_reconstruction_webp},
      {kPasted, &v1::Reconstruction::mutable_pasted_png, &v1::Reconstruction::mutable_pasted_webp},
      {kPanel, &v1::Reconstruction::mutable_panel_png, &v1::Reconstruction::mutable_panel_webp},
  };
  for (const auto& [picture, png, webp] : fields) {
    MAE_ASSIGN_OR_RETURN(*(message.*(style.format == PictureFormat::kPng ? png : webp))(),
                         DrawEncoded(result, picture, style));
  }
  return absl::OkStatus();
}

}  // namespace

v1::Tensor ToProto(const FloatTensor& tensor) {
  v1::Tensor message;
  message.mutable_shape()->Assign(tensor.shape.begin(), tensor.shape.end());
  message.set_data(tensor.values.data(), tensor.values.size() * sizeof(float));
  return message;
}

absl::StatusOr<v1::Reconstruction> ToProto(const ReconstructionResult& result, const PictureStyle& style) {
  v1::Reconstruction message;
  message.set_image(static_cast<int32_t>(result.image));
  message.set_mask_ratio(result.mask_ratio);
  message.set_loss(result.loss);
  message.mutable_hidden()->Assign(result.hidden.begin(), result.hidden.end());
  message.mutable_ids_restore()->Assign(result.ids_restore.begin(), result.ids_restore.end());
  if (!result.original.pixels.empty()) MAE_RETURN_IF_ERROR(DrawInto(result, style, message));
  if (!result.prediction.values.empty()) {
    *message.mutable_prediction() = ToProto(result.prediction);
    *message.mutable_pixels() = ToProto(result.pixels);
  }
  return message;
}

absl::Status AddAttention(const AttentionMaps& maps, bool numbers, const PictureStyle& style,
                          v1::EmbedResponse& response) {
  if (numbers) {
    *response.mutable_attention() = ToProto(maps.heads);
    *response.mutable_attention_mean() = ToProto(maps.mean);
  }
  for (size_t i = 0; i < maps.images.size(); ++i) {
    MAE_ASSIGN_OR_RETURN(auto drawing, DrawAttention(maps, static_cast<int64_t>(i), style));
    auto& pictures = *response.add_attention_pictures();
    pictures.set_mean(std::move(drawing.mean));
    for (auto& head : drawing.heads) pictures.add_heads(std::move(head));
    pictures.set_panel(std::move(drawing.panel));
  }
  return absl::OkStatus();
}

v1::PixelStatistics ToProto(PixelStatistics statistics) {
  switch (statistics) {
    case PixelStatistics::kRaw:
      return v1::PIXEL_STATISTICS_RAW;
    case PixelStatistics::kTruePatch:
      return v1::PIXEL_STATISTICS_TRUE_PATCH;
    case PixelStatistics::kVisiblePatches:
      break;
  }
  return v1::PIXEL_STATISTICS_VISIBLE_PATCHES;
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
