#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "inference/grpc_service.pb.h"
#include "options/model_card.h"
#include "server/oip_outputs.h"
#include "server/picture_style.h"
#include "serving/predictor.h"

/// What predictors give, as the output tensors that were chosen, in their order. Pure; drawing takes its
/// time.
namespace mae {

/// @param rows logits of each image, at least one image.
/// @param top_k at most the classes.
void AddClassification(const std::vector<std::vector<float>>& rows, int64_t top_k, const ModelConfig& config,
                       const std::vector<ChosenOutput>& outputs, inference::ModelInferResponse& response);

/// What an embedding may be answered with; what no chosen output shows is empty.
struct EmbedAnswer {
  FloatTensor embedding, patches;
  AttentionMaps maps;
};
absl::Status AddEmbedding(const EmbedAnswer& answer, const PictureStyle& style,
                          const std::vector<ChosenOutput>& outputs, inference::ModelInferResponse& response);

/// Whether these outputs show attention maps, or pictures of them.
bool WantAttention(const std::vector<ChosenOutput>& outputs);
bool WantAttentionPictures(const std::vector<ChosenOutput>& outputs);

/// @param results with tensors and pictures where outputs of such are chosen.
absl::Status AddReconstruction(const std::vector<ReconstructionResult>& results, const PictureStyle& style,
                               const ModelConfig& config, const std::vector<ChosenOutput>& outputs,
                               inference::ModelInferResponse& response);

/// Whether pictures must be drawn, or the tensors `pixels` and `prediction` made, for these outputs.
bool WantPictures(const std::vector<ChosenOutput>& outputs);
bool WantTensors(const std::vector<ChosenOutput>& outputs);

}  // namespace mae
