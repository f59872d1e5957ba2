#include "server/inference_options_from_proto.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

constexpr int64_t kMaxScale = 32, kMaxSide = 2048, kUsualSide = 224, kUsualClasses = 5;

absl::Status CheckPixelStatistics(v1::PixelStatistics asked, const ModelConfig& config) {
  if (asked == v1::PIXEL_STATISTICS_UNSPECIFIED || asked == v1::PIXEL_STATISTICS_TRUE_PATCH)
    return absl::OkStatus();
  if (asked != v1::PIXEL_STATISTICS_RAW) {
    return InvalidField("pixel_statistics", absl::StrCat(asked, " is not a known way"));
  }
  if (PixelStatisticsOf(config) == PixelStatistics::kRaw) return absl::OkStatus();
  return InvalidField(
      "pixel_statistics",
      "PIXEL_STATISTICS_RAW: this model predicts patches without their mean and variance, which are "
      "no pixels; use PIXEL_STATISTICS_TRUE_PATCH, or take `prediction` from the tensors");
}

}  // namespace

absl::StatusOr<ReconstructOptions> OptionsFromProto(const v1::ReconstructRequest& request,
                                                    const ModelConfig& config) {
  if (auto status = CheckPixelStatistics(request.pixel_statistics(), config); !status.ok()) return status;
  ReconstructOptions options;
  options.pictures = request.pictures();
  options.tensors = request.tensors();
  options.seed = request.random().seed();
  if (request.random().has_mask_ratio()) options.mask_ratio = request.random().mask_ratio();
  if (request.has_given()) {
    if (request.given().hidden().empty()) {
      return InvalidField("given.hidden",
                          absl::StrCat("has no values; the model has ", config.encoder().num_patches(),
                                       " patches, one value each"));
    }
    options.hidden.assign(request.given().hidden().begin(), request.given().hidden().end());
  }
  return options;
}

absl::StatusOr<EmbedOptions> OptionsFromProto(const v1::EmbedRequest& request) {
  if (request.pool() < v1::EMBEDDING_POOL_UNSPECIFIED || request.pool() > v1::EMBEDDING_POOL_TOKEN) {
    return InvalidField(
        "pool", absl::StrCat(request.pool(), " is not EMBEDDING_POOL_MEAN (1) or EMBEDDING_POOL_TOKEN (2)"));
  }
  return EmbedOptions{request.pool() == v1::EMBEDDING_POOL_TOKEN, request.l2_normalize()};
}

absl::StatusOr<int64_t> PictureScale(int32_t asked, const EncoderOptions& encoder) {
  const auto side = std::max(encoder.image_height, encoder.image_width);
  const auto largest = std::clamp<int64_t>(kMaxSide / side, 1, kMaxScale);
  if (asked == 0) return std::clamp<int64_t>(kUsualSide / encoder.image_width, 1, largest);
  if (asked >= 1 && asked <= largest) return asked;
  return InvalidField("picture_scale",
                      absl::StrCat(asked, " is not in 1..", largest, " (0: about ", kUsualSide,
                                   " pixels wide) for a model of ", encoder.image_height, " x ",
                                   encoder.image_width, " pixels"));
}

absl::StatusOr<int64_t> TopK(int32_t asked, int64_t classes) {
  if (asked < 0) return InvalidField("top_k", absl::StrCat(asked, " is below 0"));
  return std::min(asked == 0 ? kUsualClasses : asked, classes);
}

}  // namespace mae
