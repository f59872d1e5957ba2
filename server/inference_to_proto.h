#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "mae/v1/inference.pb.h"
#include "server/picture_style.h"
#include "serving/predictor.h"

/// What predictors give, as messages. Pure; drawing and PNG encoding take their time.
namespace mae {

v1::Tensor ToProto(const FloatTensor& tensor);

/// @param style of the pictures, which are left out where the result has none.
absl::StatusOr<v1::Reconstruction> ToProto(const ReconstructionResult& result, const PictureStyle& style);

/// Tensors where `numbers`, pictures where the maps have their images.
absl::Status AddAttention(const AttentionMaps& maps, bool numbers, const PictureStyle& style,
                          v1::EmbedResponse& response);

v1::PixelStatistics ToProto(PixelStatistics statistics);

/// The `top_k` highest by softmax, highest first, the lower index first among equals.
/// @param labels by index; empty or of another length: no labels.
v1::Classification ToProto(const std::vector<float>& logits, int64_t top_k,
                           const std::vector<std::string>& labels, bool with_logits);

}  // namespace mae
