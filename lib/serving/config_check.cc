#include "serving/config_check.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "options/model_limits.h"

namespace mae {
namespace {

absl::Status Fault(absl::string_view field, absl::string_view fault) {
  return absl::InvalidArgumentError(absl::StrCat("config.json: ", field, ": ", fault));
}

absl::Status InRange(absl::string_view field, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return Fault(field, absl::StrCat(value, " is not in ", low, "..", high));
}

absl::Status Divides(absl::string_view field, int64_t value, int64_t divisor) {
  if (value % divisor == 0) return absl::OkStatus();
  return Fault(field, absl::StrCat(value, " is not a multiple of ", divisor));
}

absl::Status CheckStack(absl::string_view name, int64_t width, int64_t depth, int64_t heads) {
  MAE_RETURN_IF_ERROR(InRange(absl::StrCat(name, "embed_dim"), width, kMinWidth, kMaxWidth));
  MAE_RETURN_IF_ERROR(InRange(absl::StrCat(name, "depth"), depth, 1, kMaxDepth));
  MAE_RETURN_IF_ERROR(InRange(absl::StrCat(name, "num_heads"), heads, 1, width));
  return Divides(absl::StrCat(name, "embed_dim"), width, heads);
}

absl::Status CheckEncoder(const EncoderOptions& encoder) {
  MAE_RETURN_IF_ERROR(InRange("encoder.channels", encoder.channels, 1, kMaxChannels));
  MAE_RETURN_IF_ERROR(InRange("encoder.patch_size", encoder.patch_size, 1, kMaxImageSide));
  MAE_RETURN_IF_ERROR(InRange("encoder.image_height", encoder.image_height, 1, kMaxImageSide));
  MAE_RETURN_IF_ERROR(InRange("encoder.image_width", encoder.image_width, 1, kMaxImageSide));
  MAE_RETURN_IF_ERROR(Divides("encoder.image_height", encoder.image_height, encoder.patch_size));
  MAE_RETURN_IF_ERROR(Divides("encoder.image_width", encoder.image_width, encoder.patch_size));
  if (encoder.num_patches() > kMaxPatches) {
    return Fault("encoder.patch_size", absl::StrCat(encoder.patch_size, " makes ", encoder.num_patches(),
                                                    " patches an image; at most ", kMaxPatches));
  }
  if (!(encoder.mlp_ratio >= kMinMlpRatio && encoder.mlp_ratio <= kMaxMlpRatio)) {
    return Fault("encoder.mlp_ratio",
                 absl::StrCat(encoder.mlp_ratio, " is not in ", kMinMlpRatio, "..", kMaxMlpRatio));
  }
  MAE_RETURN_IF_ERROR(CheckStack("encoder.", encoder.embed_dim, encoder.depth, encoder.num_heads));
  if (encoder.position_embedding == PositionEmbedding::kLearned) return absl::OkStatus();
  return Divides("encoder.embed_dim", encoder.embed_dim, 4);
}

absl::Status CheckDecoder(const MaskedAutoencoderOptions& model) {
  const auto& decoder = model.decoder;
  MAE_RETURN_IF_ERROR(CheckStack("decoder.", decoder.embed_dim, decoder.depth, decoder.num_heads));
  MAE_RETURN_IF_ERROR(Divides("decoder.embed_dim", decoder.embed_dim, 4));
  if (model.mask_ratio > 0 && model.mask_ratio < 1) return absl::OkStatus();
  return Fault("mask_ratio", absl::StrCat(model.mask_ratio, " is not in (0, 1)"));
}

absl::Status CheckStatistics(const ModelConfig& config) {
  const auto channels = static_cast<size_t>(config.encoder().channels);
  if (config.mean.size() != channels || config.std_dev.size() != channels) {
    return Fault("mean, std", absl::StrCat("one value a channel (", channels, ") is needed; got ",
                                           config.mean.size(), " and ", config.std_dev.size()));
  }
  for (size_t c = 0; c < channels; ++c) {
    if (std::isfinite(config.mean[c]) && std::isfinite(config.std_dev[c]) && config.std_dev[c] > 0) continue;
    return Fault("std", absl::StrCat("channel ", c, " has mean ", config.mean[c], ", std ", config.std_dev[c],
                                     "; both must be finite, std above 0"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckModelConfig(const ModelConfig& config) {
  MAE_RETURN_IF_ERROR(CheckEncoder(config.encoder()));
  MAE_RETURN_IF_ERROR(CheckStatistics(config));
  if (const auto* autoencoder = std::get_if<MaskedAutoencoderOptions>(&config.model)) {
    return CheckDecoder(*autoencoder);
  }
  const auto classes = std::get<VisionTransformerOptions>(config.model).num_classes;
  return InRange("num_classes", classes, 0, kMaxClasses);
}

}  // namespace mae
