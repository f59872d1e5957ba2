#include "interop/weight_names.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "interop/given_names.h"
#include "interop/name_rules.h"
#include "runtime/torch_status.h"

namespace mae {
namespace {

// "blocks.0.attn.qkv.bias" as its thirds, "blocks.0.attn.qkv.0.bias" and so on.
NamedTensors WithPartsOfQkv(const NamedTensors& tensors) {
  NamedTensors split;
  for (const auto& [name, tensor] : tensors) {
    if (!IsQkv(name)) {
      split.emplace_back(name, tensor);
      continue;
    }
    const auto parts = tensor.chunk(3, 0);
    for (size_t part = 0; part < parts.size(); ++part) {
      split.emplace_back(WithQkvPart(name, part), parts[part]);
    }
  }
  return split;
}

using Thirds = std::map<std::string, std::array<torch::Tensor, 3>>;

std::string ShapeOf(const torch::Tensor& tensor) {
  return absl::StrCat("[", absl::StrJoin(tensor.sizes(), ","), "]");
}

// All three are there and of the shape of the first of them that is.
absl::Status CheckThirds(const std::string& name, const std::array<torch::Tensor, 3>& thirds,
                         const GivenNames& names) {
  const auto first = std::find_if(thirds.begin(), thirds.end(), [](const auto& t) { return t.defined(); });
  const auto alike = names.OfQkvPart(name, static_cast<size_t>(first - thirds.begin()));
  for (size_t part = 0; part < thirds.size(); ++part) {
    const auto& third = thirds[part];
    if (third.defined() && third.dim() > 0 && third.sizes() == first->sizes()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("tensor ", names.OfQkvPart(name, part), ": is ",
                     third.defined() ? ShapeOf(third) : "missing", "; should be ",
                     first->dim() > 0 ? absl::StrCat(ShapeOf(*first), ", as ", alike) : "a row or a matrix"));
  }
  return absl::OkStatus();
}

absl::StatusOr<torch::Tensor> Fused(const std::string& name, const std::array<torch::Tensor, 3>& thirds,
                                    const GivenNames& names) {
  MAE_RETURN_IF_ERROR(CheckThirds(name, thirds, names));
  return CatchTorch(absl::StrCat("fusing ", name), [&] {
    return torch::cat({thirds[0], thirds[1], thirds[2]}, 0);
  });
}

using HeadParts = std::map<std::string, torch::Tensor>;

constexpr const char* kHeadMean = "head.0.running_mean";
constexpr const char* kHeadVar = "head.0.running_var";
constexpr const char* kHeadWeight = "head.1.weight";
constexpr const char* kHeadBias = "head.1.bias";

absl::Status HeadFault(const std::string& name, const std::string& fault, const GivenNames& names) {
  return absl::InvalidArgumentError(absl::StrCat("tensor ", names.Of(name), ": ", fault,
                                                 ": the head of a linear probe is ", names.Of(kHeadMean),
                                                 " and ", names.Of(kHeadVar), " [D], ", names.Of(kHeadWeight),
                                                 " [C,D], ", names.Of(kHeadBias), " [C] and nothing else"));
}

absl::Status CheckProbeHead(const HeadParts& head, const GivenNames& names) {
  for (const char* name : {kHeadWeight, kHeadBias, kHeadMean, kHeadVar}) {
    if (!head.contains(name)) return HeadFault(name, "is missing", names);
  }
  for (const auto& [name, tensor] : head) {
    const bool known = name == kHeadMean || name == kHeadVar || name == kHeadWeight || name == kHeadBias;
    if (!known) return HeadFault(name, "is there", names);
  }
  const auto& weight = head.at(kHeadWeight);
  if (weight.dim() != 2) return HeadFault(kHeadWeight, absl::StrCat("is ", ShapeOf(weight)), names);
  for (const std::string name : {kHeadBias, kHeadMean, kHeadVar}) {
    const auto& tensor = head.at(name);
    const int64_t wanted = weight.size(name == kHeadBias ? 0 : 1);
    if (tensor.dim() == 1 && tensor.size(0) == wanted) continue;
    return HeadFault(name, absl::StrCat("is ", ShapeOf(tensor), "; should be [", wanted, "]"), names);
  }
  return absl::OkStatus();
}

NamedTensors WithoutPrefix(const NamedTensors& tensors, size_t prefix) {
  NamedTensors bare;
  for (const auto& [name, tensor] : tensors) bare.emplace_back(name.substr(prefix), tensor);
  return bare;
}

}  // namespace

absl::StatusOr<NamedTensors> ToOfficialNames(const NamedTensors& tensors) {
  const GivenNames names(tensors);
  if (!names.are_of_transformers()) return WithoutPrefix(tensors, names.prefix().size());
  NamedTensors official;
  Thirds thirds;
  for (const auto& [given, tensor] : tensors) {
    if (absl::StrContains(given, "pooler.")) continue;
    auto ours = OfficialNameOf(std::string_view(given).substr(names.prefix().size()));
    if (!ours) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tensor ", given, ": no tensor of a ViTMAE or ViT classifier of transformers is called so"));
    }
    size_t part = 0;
    if (TakeQkvPart(*ours, part)) {
      thirds[*ours][part] = tensor;
    } else {
      official.emplace_back(*std::move(ours), tensor);
    }
  }
  for (const auto& [name, parts] : thirds) {
    MAE_ASSIGN_OR_RETURN(torch::Tensor fused, Fused(name, parts, names));
    official.emplace_back(name, std::move(fused));
  }
  return official;
}

absl::StatusOr<NamedTensors> ToHuggingFaceNames(const NamedTensors& tensors) {
  NamedTensors theirs;
  for (const auto& [ours, tensor] : WithPartsOfQkv(tensors)) {
    auto name = HuggingFaceNameOf(ours);
    if (!name) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor ", ours, " has no place in the models of transformers"));
    }
    theirs.emplace_back(*std::move(name), tensor);
  }
  return theirs;
}

absl::StatusOr<NamedTensors> FoldProbeHead(const NamedTensors& tensors, const GivenNames& names) {
  constexpr double kProbeEps = 1e-6;
  HeadParts head;
  NamedTensors folded;
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with("head.0.") || name.starts_with("head.1.")) {
      if (!name.ends_with(".num_batches_tracked")) head[name] = tensor;
    } else {
      folded.emplace_back(name, tensor);
    }
  }
  if (head.empty()) return folded;
  MAE_RETURN_IF_ERROR(CheckProbeHead(head, names));
  const auto mean = head[kHeadMean], var = head[kHeadVar], weight = head[kHeadWeight], bias = head[kHeadBias];
  return CatchTorch("folding the probe's head", [&] {
    const auto scaled = weight.to(torch::kDouble) / (var.to(torch::kDouble) + kProbeEps).sqrt();
    const auto shifted = bias.to(torch::kDouble) - torch::mv(scaled, mean.to(torch::kDouble));
    folded.emplace_back("head.weight", scaled.to(torch::kFloat));
    folded.emplace_back("head.bias", shifted.to(torch::kFloat));
    return folded;
  });
}

}  // namespace mae
