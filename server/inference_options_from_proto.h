#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "mae/v1/inference.pb.h"
#include "server/picture_style.h"
#include "serving/predictor.h"

/// The options of inference requests, checked against the model that will answer. Pure. INVALID_ARGUMENT with
/// the field as details; what mask and pixel statistics must be is for the predictor to say.
namespace mae {

absl::StatusOr<ReconstructOptions> OptionsFromProto(const v1::ReconstructRequest& request,
                                                    const ModelConfig& config);
/// The request's own name for its ratio or ratios.
std::string RatioField(const v1::ReconstructRequest& request);

absl::StatusOr<EmbedOptions> OptionsFromProto(const v1::EmbedRequest& request);

/// Pixels a side that one pixel of the model's pictures is drawn as: as asked, or what makes them about 224
/// wide. Pictures of more than 2048 a side are refused, unless they are that large unscaled.
absl::StatusOr<int64_t> PictureScale(int32_t asked, const EncoderOptions& encoder);

absl::StatusOr<PictureStyle> PictureStyleFor(int32_t scale, v1::PictureFormat format,
                                             const EncoderOptions& encoder);

/// Refuses what would change nothing, because no pictures are asked for. @param ask what asks for them.
absl::Status CheckDraws(bool draws, bool has_scale, bool has_format, const std::string& ask);

/// WebP has at most 16383 pixels a side: refuses the picture_scale at which a panel of so many pictures has
/// more.
absl::Status CheckPanelFits(const PictureStyle& style, const EncoderOptions& encoder, int64_t pictures);

/// How many classes to answer: 5 if 0, all if more than there are.
absl::StatusOr<int64_t> TopK(int32_t asked, int64_t classes);

}  // namespace mae
