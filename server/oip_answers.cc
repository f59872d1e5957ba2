#include "server/oip_answers.h"

#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "server/attention_drawing.h"
#include "server/class_scores.h"
#include "server/reconstruction_drawing.h"

namespace mae {
namespace {

using inference::ModelInferResponse;
using Rows = std::vector<std::vector<float>>;

std::vector<float> Flat(const Rows& rows) {
  std::vector<float> values;
  for (const auto& row : rows) values.insert(values.end(), row.begin(), row.end());
  return values;
}

std::string LabelOf(int64_t index, const ModelConfig& config, size_t classes) {
  return config.labels.size() == classes ? config.labels[static_cast<size_t>(index)] : "";
}

// A row of values, or of its highest as Triton's classification extension writes them.
void AddScores(const ChosenOutput& output, const Rows& rows, const ModelConfig& config,
               ModelInferResponse& response) {
  const auto images = static_cast<int64_t>(rows.size());
  const auto classes = static_cast<int64_t>(rows[0].size());
  if (output.classes == 0) {
    AddFloats(output.name, {images, classes}, Flat(rows), response);
    return;
  }
  const int64_t count = std::min(output.classes, classes);
  std::vector<std::string> texts;
  for (const auto& row : rows) {
    for (const int64_t index : HighestFirst(row, count)) {
      const std::string label = LabelOf(index, config, row.size());
      texts.push_back(absl::StrFormat("%f:%d", row[static_cast<size_t>(index)], index) +
                      (label.empty() ? "" : ":" + label));
    }
  }
  AddTexts(output.name, {images, count}, texts, response);
}

void AddTop(const ChosenOutput& output, const Rows& probabilities, int64_t top_k, const ModelConfig& config,
            ModelInferResponse& response) {
  std::vector<int64_t> indices;
  std::vector<std::string> labels;
  for (const auto& row : probabilities) {
    for (const int64_t index : HighestFirst(row, top_k)) {
      indices.push_back(index);
      labels.push_back(LabelOf(index, config, row.size()));
    }
  }
  const std::vector<int64_t> shape = {static_cast<int64_t>(probabilities.size()), top_k};
  if (output.name == "top_indices") {
    AddInt64s(output.name, shape, indices, response);
  } else {
    AddTexts(output.name, shape, labels, response);
  }
}

const std::map<std::string, ReconstructionPicture>& Pictures() {
  static const std::map<std::string, ReconstructionPicture> pictures = {
      {"original", ReconstructionPicture::kOriginal},
      {"masked", ReconstructionPicture::kMasked},
      {"reconstruction", ReconstructionPicture::kReconstruction},
      {"pasted", ReconstructionPicture::kPasted},
      {"panel", ReconstructionPicture::kPanel},
  };
  return pictures;
}

absl::Status AddPictures(const ChosenOutput& output, const std::vector<ReconstructionResult>& results,
                         const PictureStyle& style, ModelInferResponse& response) {
  std::vector<std::string> pictures;
  for (const auto& result : results) {
    MAE_ASSIGN_OR_RETURN(auto picture, DrawEncoded(result, Pictures().at(output.name), style));
    pictures.push_back(std::move(picture));
  }
  AddTexts(output.name, {static_cast<int64_t>(results.size())}, pictures, response);
  return absl::OkStatus();
}

// The values of all images behind one another. @param values of one image, a vector.
template <typename Value, typename Values>
std::vector<Value> Together(const std::vector<ReconstructionResult>& results, const Values& values) {
  std::vector<Value> all;
  for (const auto& result : results) {
    const auto& some = values(result);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

void AddReconstructedTensor(const ChosenOutput& output, const std::vector<ReconstructionResult>& results,
                            const EncoderOptions& encoder, ModelInferResponse& response) {
  const auto images = static_cast<int64_t>(results.size());
  const auto patches = encoder.num_patches();
  if (output.name == "loss") {
    std::vector<float> losses;
    for (const auto& result : results) losses.push_back(static_cast<float>(result.loss));
    AddFloats(output.name, {images}, losses, response);
  } else if (output.name == "image_index") {
    std::vector<int64_t> indices;
    for (const auto& result : results) indices.push_back(result.image);
    AddInt64s(output.name, {images}, indices, response);
  } else if (output.name == "mask_ratio") {
    std::vector<float> ratios;
    for (const auto& result : results) ratios.push_back(static_cast<float>(result.mask_ratio));
    AddFloats(output.name, {images}, ratios, response);
  } else if (output.name == "mask") {
    const auto hidden = Together<bool>(
        results, [](const auto& one) -> const auto& { return one.hidden; });
    AddBools(output.name, {images, patches}, hidden, response);
  } else if (output.name == "ids_restore") {
    const auto ids = Together<int64_t>(
        results, [](const auto& one) -> const auto& { return one.ids_restore; });
    AddInt64s(output.name, {images, patches}, ids, response);
  } else if (output.name == "pixels") {
    const auto pixels = Together<float>(
        results, [](const auto& one) -> const auto& { return one.pixels.values; });
    AddFloats(output.name, {images, encoder.channels, encoder.image_height, encoder.image_width}, pixels,
              response);
  } else {
    const auto prediction = Together<float>(
        results, [](const auto& one) -> const auto& { return one.prediction.values; });
    AddFloats(output.name, {images, patches, encoder.patch_dim()}, prediction, response);
  }
}

void AddAttentionPictures(const std::string& output, const std::vector<AttentionDrawing>& drawings,
                          ModelInferResponse& response) {
  std::vector<std::string> pictures;
  std::vector<int64_t> shape = {static_cast<int64_t>(drawings.size())};
  if (output == "attention_head_pictures") shape.push_back(static_cast<int64_t>(drawings[0].heads.size()));
  for (const auto& drawing : drawings) {
    if (output == "attention_head_pictures") {
      pictures.insert(pictures.end(), drawing.heads.begin(), drawing.heads.end());
    } else {
      pictures.push_back(output == "attention_panel" ? drawing.panel : drawing.mean);
    }
  }
  AddTexts(output, shape, pictures, response);
}

}  // namespace

void AddClassification(const Rows& rows, int64_t top_k, const ModelConfig& config,
                       const std::vector<ChosenOutput>& outputs, ModelInferResponse& response) {
  Rows probabilities;
  for (const auto& logits : rows) probabilities.push_back(Softmax(logits));
  for (const ChosenOutput& output : outputs) {
    if (output.name == "logits") {
      AddScores(output, rows, config, response);
    } else if (output.name == "probabilities") {
      AddScores(output, probabilities, config, response);
    } else {
      AddTop(output, probabilities, top_k, config, response);
    }
  }
}

absl::Status AddEmbedding(const EmbedAnswer& answer, const PictureStyle& style,
                          const std::vector<ChosenOutput>& outputs, ModelInferResponse& response) {
  const AttentionPictureChoice choice{IsChosen(outputs, "attention_mean_picture"),
                                      IsChosen(outputs, "attention_head_pictures"),
                                      IsChosen(outputs, "attention_panel")};
  std::vector<AttentionDrawing> drawings;
  for (size_t i = 0; i < answer.maps.images.size(); ++i) {
    MAE_ASSIGN_OR_RETURN(auto drawing, DrawAttention(answer.maps, static_cast<int64_t>(i), style, choice));
    drawings.push_back(std::move(drawing));
  }
  const std::map<std::string, const FloatTensor*> tensors = {{"embedding", &answer.embedding},
                                                             {"patch_embeddings", &answer.patches},
                                                             {"attention", &answer.maps.heads},
                                                             {"attention_mean", &answer.maps.mean}};
  for (const ChosenOutput& output : outputs) {
    if (const auto it = tensors.find(output.name); it != tensors.end()) {
      AddFloats(output.name, it->second->shape, it->second->values, response);
    } else {
      AddAttentionPictures(output.name, drawings, response);
    }
  }
  return absl::OkStatus();
}

bool WantAttentionPictures(const std::vector<ChosenOutput>& outputs) {
  return IsChosen(outputs, "attention_mean_picture") || IsChosen(outputs, "attention_head_pictures") ||
         IsChosen(outputs, "attention_panel");
}

bool WantAttention(const std::vector<ChosenOutput>& outputs) {
  return IsChosen(outputs, "attention") || IsChosen(outputs, "attention_mean") ||
         WantAttentionPictures(outputs);
}

absl::Status AddReconstruction(const std::vector<ReconstructionResult>& results, const PictureStyle& style,
                               const ModelConfig& config, const std::vector<ChosenOutput>& outputs,
                               ModelInferResponse& response) {
  for (const ChosenOutput& output : outputs) {
    if (Pictures().contains(output.name)) {
      MAE_RETURN_IF_ERROR(AddPictures(output, results, style, response));
    } else {
      AddReconstructedTensor(output, results, config.encoder(), response);
    }
  }
  return absl::OkStatus();
}

bool WantPictures(const std::vector<ChosenOutput>& outputs) {
  return std::any_of(outputs.begin(), outputs.end(),
                     [](const ChosenOutput& output) { return Pictures().contains(output.name); });
}

bool WantTensors(const std::vector<ChosenOutput>& outputs) {
  return IsChosen(outputs, "pixels") || IsChosen(outputs, "prediction");
}

}  // namespace mae
