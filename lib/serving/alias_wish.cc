#include "serving/alias_wish.h"

#include <algorithm>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "options/metric_order.h"

namespace mae {
namespace {

// Datasets are named with and without their collection.
absl::string_view DatasetOf(const ModelVersion& version) {
  return absl::StripPrefix(version.card.dataset, "datasets/");
}

std::string Named(const ModelVersion& version) { return absl::StrCat("version ", version.version); }

// All that the size of a pretraining's loss depends on beside the model.
auto TargetOf(const MaskedAutoencoderOptions& model, const ModelConfig& config) {
  const auto& encoder = model.encoder;
  return std::tuple(model.norm_pix_loss, model.mask_ratio, encoder.channels, encoder.image_height,
                    encoder.image_width, encoder.patch_size, config.mean, config.std_dev);
}

// Why values of the two say nothing about which is better; empty: they do.
std::string WhyIncomparable(const ModelVersion& version, const ModelVersion& present) {
  if (DatasetOf(version).empty() || DatasetOf(version) != DatasetOf(present)) {
    const auto named = [](const ModelVersion& of) {
      return DatasetOf(of).empty() ? std::string("no known dataset") : std::string(DatasetOf(of));
    };
    return absl::StrCat("it was measured on ", named(version), " and ", Named(present), " on ",
                        named(present));
  }
  const ModelConfig& ours = version.config;
  const ModelConfig& theirs = present.config;
  if (ours.model.index() != theirs.model.index()) {
    return absl::StrCat("it is a ", ours.kind_name(), " and ", Named(present), " a ", theirs.kind_name());
  }
  const auto* our_mae = std::get_if<MaskedAutoencoderOptions>(&ours.model);
  const auto* their_mae = std::get_if<MaskedAutoencoderOptions>(&theirs.model);
  if (our_mae != nullptr && !(TargetOf(*our_mae, ours) == TargetOf(*their_mae, theirs))) {
    return absl::StrCat(
        "its loss and that of ", Named(present),
        " differ in norm_pix_loss, mask_ratio, sizes of image or patch, or the mean and std of pixels");
  }
  return "";
}

AliasMove Compare(const std::string& alias, const std::string& metric, const ModelVersion& version,
                  const ModelVersion& present) {
  const auto ours = version.card.metrics.find(metric);
  const auto theirs = present.card.metrics.find(metric);
  std::string why = WhyIncomparable(version, present);
  if (why.empty() && ours == version.card.metrics.end()) why = absl::StrCat("it has no ", metric);
  if (why.empty() && theirs == present.card.metrics.end()) {
    why = absl::StrCat(Named(present), " has no ", metric);
  }
  if (!why.empty()) return {alias, false, absl::StrCat("not to be compared: ", why)};
  const bool better = IsBetter(MetricOrderOf(metric), ours->second, theirs->second);
  return {alias, better,
          absl::StrFormat("%s %.6g %s %.6g of %s", metric, ours->second, better ? "beats" : "does not beat",
                          theirs->second, Named(present))};
}

const ModelVersion* VersionOf(const ModelRecord& model, const std::string& alias) {
  const auto it = model.aliases.find(alias);
  if (it == model.aliases.end()) return nullptr;
  const auto found = std::find_if(model.versions.begin(), model.versions.end(),
                                  [&](const ModelVersion& version) { return version.version == it->second; });
  return found == model.versions.end() ? nullptr : &*found;
}

}  // namespace

std::vector<AliasMove> DecideAliases(const AliasWish& wish, const ModelVersion& version,
                                     const ModelRecord& model) {
  std::vector<AliasMove> moves;
  for (const std::string& alias : wish.aliases) {
    const ModelVersion* present = VersionOf(model, alias);
    if (present == nullptr) {
      moves.push_back({alias, true, "it stood for no version before"});
    } else if (wish.only_if_better.empty()) {
      moves.push_back({alias, true, absl::StrCat("in any case, from ", Named(*present))});
    } else {
      moves.push_back(Compare(alias, wish.only_if_better, version, *present));
    }
  }
  return moves;
}

std::vector<AliasMove> AliasesNow(const AliasWish& wish, const ModelVersion& version,
                                  const ModelRecord& model) {
  std::vector<AliasMove> moves;
  for (const std::string& alias : wish.aliases) {
    const ModelVersion* present = VersionOf(model, alias);
    const bool moved = present != nullptr && present->version == version.version;
    moves.push_back(
        {alias, moved,
         present == nullptr
             ? "the version was published earlier; the alias stands for none"
             : absl::StrCat("the version was published earlier; the alias stands for ", Named(*present))});
  }
  return moves;
}

}  // namespace mae
