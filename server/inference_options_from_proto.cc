#include "server/inference_options_from_proto.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

constexpr int64_t kMaxScale = 32, kMaxSide = 2048, kUsualSide = 224, kUsualClasses = 5;
constexpr int64_t kMaxWebpSide = 16383, kMaxHeadingHeight = 32;

absl::StatusOr<std::optional<PixelStatistics>> PixelStatisticsFromProto(v1::PixelStatistics asked) {
  switch (asked) {
    case v1::PIXEL_STATISTICS_UNSPECIFIED:
      return std::nullopt;
    case v1::PIXEL_STATISTICS_RAW:
      return PixelStatistics::kRaw;
    case v1::PIXEL_STATISTICS_TRUE_PATCH:
      return PixelStatistics::kTruePatch;
    case v1::PIXEL_STATISTICS_VISIBLE_PATCHES:
      return PixelStatistics::kVisiblePatches;
    default:
      return InvalidField("pixel_statistics", absl::StrCat(asked, " is not a known way"));
  }
}

// @param mask a RandomMask or BlockMask.
template <typename Mask>
absl::Status ReadDrawnMask(const Mask& mask, const std::string& field, ReconstructOptions& options) {
  options.seed = mask.seed();
  if (mask.has_mask_ratio() && !mask.mask_ratios().empty()) {
    return InvalidField(field + ".mask_ratios", "is set, and mask_ratio too; set one of them");
  }
  options.mask_ratios.assign(mask.mask_ratios().begin(), mask.mask_ratios().end());
  if (mask.has_mask_ratio()) options.mask_ratios = {mask.mask_ratio()};
  return absl::OkStatus();
}

absl::Status ReadGivenMask(const v1::GivenMask& mask, const ModelConfig& config,
                           ReconstructOptions& options) {
  options.mask_kind = MaskKind::kGiven;
  options.hidden.assign(mask.hidden().begin(), mask.hidden().end());
  if (!options.hidden.empty()) return absl::OkStatus();
  return InvalidField("given.hidden",
                      absl::StrCat("has no values; the model has ", config.encoder().num_patches(),
                                   " patches, one value each"));
}

absl::Status ReadMask(const v1::ReconstructRequest& request, const ModelConfig& config,
                      ReconstructOptions& options) {
  switch (request.masking_case()) {
    case v1::ReconstructRequest::kGiven:
      return ReadGivenMask(request.given(), config, options);
    case v1::ReconstructRequest::kBlock:
      options.mask_kind = MaskKind::kBlock;
      return ReadDrawnMask(request.block(), "block", options);
    case v1::ReconstructRequest::kGrid:
      options.mask_kind = MaskKind::kGrid;
      return absl::OkStatus();
    case v1::ReconstructRequest::kNone:
      options.mask_kind = MaskKind::kNone;
      return absl::OkStatus();
    case v1::ReconstructRequest::kRandom:
    case v1::ReconstructRequest::MASKING_NOT_SET:
      break;
  }
  return ReadDrawnMask(request.random(), "random", options);
}

}  // namespace

absl::StatusOr<ReconstructOptions> OptionsFromProto(const v1::ReconstructRequest& request,
                                                    const ModelConfig& config) {
  ReconstructOptions options;
  options.pictures = request.pictures();
  options.tensors = request.tensors();
  MAE_ASSIGN_OR_RETURN(options.pixel_statistics, PixelStatisticsFromProto(request.pixel_statistics()));
  MAE_RETURN_IF_ERROR(ReadMask(request, config, options));
  return options;
}

std::string RatioField(const v1::ReconstructRequest& request) {
  if (request.has_block())
    return request.block().mask_ratios().empty() ? "block.mask_ratio" : "block.mask_ratios";
  return request.random().mask_ratios().empty() ? "random.mask_ratio" : "random.mask_ratios";
}

absl::StatusOr<EmbedOptions> OptionsFromProto(const v1::EmbedRequest& request) {
  EmbedOptions options{EmbeddingPool::kMean, request.l2_normalize()};
  switch (request.pool()) {
    case v1::EMBEDDING_POOL_UNSPECIFIED:
    case v1::EMBEDDING_POOL_MEAN:
      return options;
    case v1::EMBEDDING_POOL_TOKEN:
      options.pool = EmbeddingPool::kClassToken;
      return options;
    case v1::EMBEDDING_POOL_PATCHES:
      options.pool = EmbeddingPool::kPatches;
      return options;
    default:
      return InvalidField("pool", absl::StrCat(request.pool(),
                                               " is not EMBEDDING_POOL_MEAN (1), EMBEDDING_POOL_TOKEN (2) or "
                                               "EMBEDDING_POOL_PATCHES (3)"));
  }
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

absl::StatusOr<PictureStyle> PictureStyleFor(int32_t scale, v1::PictureFormat format,
                                             const EncoderOptions& encoder) {
  PictureStyle style;
  MAE_ASSIGN_OR_RETURN(style.scale, PictureScale(scale, encoder));
  if (format == v1::PICTURE_FORMAT_UNSPECIFIED || format == v1::PICTURE_FORMAT_PNG) return style;
  if (format != v1::PICTURE_FORMAT_WEBP) {
    return InvalidField("picture_format",
                        absl::StrCat(format, " is not PICTURE_FORMAT_PNG (1) or PICTURE_FORMAT_WEBP (2)"));
  }
  style.format = PictureFormat::kWebp;
  return style;
}

absl::Status CheckDraws(bool draws, bool has_scale, bool has_format, const std::string& ask) {
  if (draws || (!has_scale && !has_format)) return absl::OkStatus();
  return InvalidField(
      has_scale ? "picture_scale" : "picture_format",
      absl::StrCat("is set, but no pictures are asked for; ask for them by ", ask, ", or leave it out"));
}

absl::Status CheckPanelFits(const PictureStyle& style, const EncoderOptions& encoder, int64_t pictures) {
  if (style.format != PictureFormat::kWebp) return absl::OkStatus();
  const int64_t columns = std::min(pictures, kMaxPanelColumns);
  const int64_t rows = (pictures + columns - 1) / columns;
  const auto side = [&](int64_t count, int64_t pixels) {
    return count * (pixels * style.scale + kPanelGap) + kPanelGap;
  };
  const int64_t width = side(columns, encoder.image_width);
  const int64_t height = side(rows, encoder.image_height) + kMaxHeadingHeight;
  if (std::max(width, height) <= kMaxWebpSide) return absl::OkStatus();
  return InvalidField("picture_scale",
                      absl::StrCat("at ", style.scale, " a panel is about ", width, " x ", height,
                                   " pixels; WebP has at most ", kMaxWebpSide, " a side, PNG more"));
}

absl::StatusOr<int64_t> TopK(int32_t asked, int64_t classes) {
  if (asked < 0) return InvalidField("top_k", absl::StrCat(asked, " is below 0"));
  return std::min(asked == 0 ? kUsualClasses : asked, classes);
}

}  // namespace mae
