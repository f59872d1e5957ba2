#include "interop/given_names.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace mae {
namespace {

constexpr std::string_view kOfDataParallel = "module.";

bool IsOfTransformers(std::string_view name) {
  return name.ends_with("embeddings.cls_token") || name.starts_with("vit.") ||
         name.starts_with("decoder.decoder_");
}

}  // namespace

GivenNames::GivenNames(const NamedTensors& given) {
  std::vector<std::string> bare;
  const bool prefixed = std::all_of(given.begin(), given.end(), [](const auto& tensor) {
    return tensor.first.starts_with(kOfDataParallel);
  });
  if (prefixed && !given.empty()) prefix_ = kOfDataParallel;
  for (const auto& [name, tensor] : given) bare.push_back(name.substr(prefix_.size()));
  of_transformers_ = std::any_of(bare.begin(), bare.end(), IsOfTransformers);
  if (of_transformers_) spelling_ = SpellingOf(bare);
  for (const auto& name : bare) {
    const auto official = of_transformers_ ? OfficialNameOf(name) : name;
    if (official) known_.emplace(*official, prefix_ + name);
  }
}

std::string GivenNames::Made(const std::string& official) const {
  const auto known = known_.find(official);
  if (known != known_.end()) return known->second;
  const auto made = of_transformers_ ? HuggingFaceNameOf(official, spelling_) : std::nullopt;
  return prefix_ + made.value_or(official);
}

std::string GivenNames::Of(const std::string& official) const {
  if (IsInThree(official)) return absl::StrCat(Made(WithQkvPart(official, 0)), " (likewise key and value)");
  if (official.starts_with("head.") && !known_.contains(official)) {
    const auto linear = known_.find(absl::StrCat("head.1.", official.substr(sizeof("head.") - 1)));
    if (linear != known_.end()) return linear->second;
  }
  return Made(official);
}

std::string GivenNames::OfQkvPart(const std::string& official, size_t part) const {
  return Made(WithQkvPart(official, part));
}

std::string GivenNames::OfBlocks(const std::string& official) const {
  return prefix_ + (of_transformers_ ? HuggingFaceBlocks(official, spelling_) : official);
}

std::string GivenNames::ShapeText(const std::string& official, torch::IntArrayRef shape) const {
  std::vector<int64_t> sides = shape.vec();
  if (IsInThree(official) && !sides.empty()) sides[0] /= 3;
  return absl::StrCat("[", absl::StrJoin(sides, ","), "]");
}

}  // namespace mae
