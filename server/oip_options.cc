#include "server/oip_options.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/status_macros.h"
#include "server/inference_options_from_proto.h"
#include "server/oip_answers.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

template <typename Value>
using Words = std::map<std::string, Value>;

const Words<PixelStatistics>& StatisticsWords() {
  static const Words<PixelStatistics> words = {{"raw", PixelStatistics::kRaw},
                                               {"true_patch", PixelStatistics::kTruePatch},
                                               {"visible_patches", PixelStatistics::kVisiblePatches}};
  return words;
}

// Nothing if the parameter is not there; INVALID_ARGUMENT names the words that it may be.
template <typename Value>
absl::StatusOr<std::optional<Value>> OneOf(const OipParameters& parameters, const std::string& name,
                                           const Words<Value>& words) {
  MAE_ASSIGN_OR_RETURN(const auto text, parameters.Text(name));
  if (!text.has_value()) return std::nullopt;
  // As mae_client spells them too: true-patch is true_patch.
  if (const auto it = words.find(absl::StrReplaceAll(*text, {{"-", "_"}})); it != words.end())
    return it->second;
  return InvalidField(
      name, absl::StrCat("must be ", absl::StrJoin(words, " or ", [](std::string* out, const auto& word) {
                           absl::StrAppend(out, "\"", word.first, "\"");
                         })));
}

// What inference_options_from_proto takes; what is out of its range is out of theirs too.
int32_t Clamped(int64_t value) {
  return static_cast<int32_t>(
      std::clamp<int64_t>(value, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
}

absl::Status ReadMaskParameters(const OipParameters& parameters, ReconstructOptions& options) {
  static const Words<MaskKind> kinds = {{"random", MaskKind::kRandom},
                                        {"block", MaskKind::kBlock},
                                        {"grid", MaskKind::kGrid},
                                        {"none", MaskKind::kNone}};
  MAE_ASSIGN_OR_RETURN(const auto kind, OneOf(parameters, "mask_kind", kinds));
  MAE_ASSIGN_OR_RETURN(options.mask_ratios, parameters.Doubles("mask_ratio"));
  MAE_ASSIGN_OR_RETURN(const auto seed, parameters.Uint("seed"));
  options.seed = seed.value_or(0);
  if (!options.hidden.empty()) {
    options.mask_kind = MaskKind::kGiven;
    if (!kind.has_value() && options.mask_ratios.empty() && !seed.has_value()) return absl::OkStatus();
    return InvalidField(std::string(kMaskInput),
                        "is given, so that mask_kind, mask_ratio and seed have no meaning; leave either out");
  }
  options.mask_kind = kind.value_or(MaskKind::kRandom);
  const bool is_drawn = options.mask_kind == MaskKind::kRandom || options.mask_kind == MaskKind::kBlock;
  if (is_drawn || !seed.has_value()) return absl::OkStatus();
  return InvalidField("seed", "has a meaning for random and block masks alone");
}

}  // namespace

absl::StatusOr<ReconstructOptions> ReconstructOptionsOf(const OipParameters& parameters,
                                                        std::vector<bool> hidden,
                                                        const std::vector<ChosenOutput>& outputs) {
  MAE_RETURN_IF_ERROR(parameters.CheckKnown({"mask_kind", "mask_ratio", "seed", "pixel_statistics",
                                             "picture_scale", "picture_format", "exact_size"},
                                            "a reconstruction"));
  ReconstructOptions options;
  options.hidden = std::move(hidden);
  MAE_RETURN_IF_ERROR(ReadMaskParameters(parameters, options));
  MAE_ASSIGN_OR_RETURN(options.pixel_statistics, OneOf(parameters, "pixel_statistics", StatisticsWords()));
  options.pictures = WantPictures(outputs);
  options.tensors = WantTensors(outputs);
  return options;
}

absl::StatusOr<EmbedOptions> EmbedOptionsOf(const OipParameters& parameters) {
  static const Words<EmbeddingPool> pools = {{"mean", EmbeddingPool::kMean},
                                             {"cls", EmbeddingPool::kClassToken},
                                             {"token", EmbeddingPool::kClassToken}};
  MAE_RETURN_IF_ERROR(parameters.CheckKnown(
      {"pool", "l2_normalize", "picture_scale", "picture_format", "exact_size"}, "an embedding"));
  const auto named = parameters.Text("pool");
  if (named.ok() && (*named == "patch" || *named == "patches")) {
    return InvalidField("pool", "is \"mean\" or \"cls\"; every patch token is the output patch_embeddings");
  }
  MAE_ASSIGN_OR_RETURN(const auto pool, OneOf(parameters, "pool", pools));
  MAE_ASSIGN_OR_RETURN(const auto l2_normalize, parameters.Bool("l2_normalize"));
  return EmbedOptions{pool.value_or(EmbeddingPool::kMean), l2_normalize.value_or(false)};
}

absl::StatusOr<PictureStyle> PictureStyleOf(const OipParameters& parameters, const EncoderOptions& encoder,
                                            bool draws) {
  static const Words<PictureFormat> formats = {{"png", PictureFormat::kPng}, {"webp", PictureFormat::kWebp}};
  PictureStyle style;
  MAE_ASSIGN_OR_RETURN(const auto scale, parameters.Int("picture_scale"));
  MAE_ASSIGN_OR_RETURN(style.scale, PictureScale(Clamped(scale.value_or(0)), encoder));
  MAE_ASSIGN_OR_RETURN(const auto format, OneOf(parameters, "picture_format", formats));
  style.format = format.value_or(PictureFormat::kPng);
  MAE_RETURN_IF_ERROR(
      CheckDraws(draws, scale.has_value(), format.has_value(), "the outputs that are pictures"));
  return style;
}

absl::StatusOr<int64_t> TopKOf(const OipParameters& parameters, int64_t classes) {
  MAE_RETURN_IF_ERROR(parameters.CheckKnown({"top_k", "exact_size"}, "a classification"));
  MAE_ASSIGN_OR_RETURN(const auto top_k, parameters.Int("top_k"));
  return TopK(Clamped(top_k.value_or(0)), classes);
}

std::string PixelStatisticsName(PixelStatistics statistics) {
  const auto& words = StatisticsWords();
  return std::find_if(words.begin(), words.end(), [&](const auto& word) { return word.second == statistics; })
      ->first;
}

}  // namespace mae
