#include "interop/weight_names.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "runtime/torch_status.h"

namespace mae {
namespace {

struct Renaming {
  std::string_view theirs, ours;
};

// Outside of blocks; a name that ends with a dot stands for .weight and .bias. Without "vit.".
constexpr Renaming kOutside[] = {{"embeddings.cls_token", "cls_token"},
                                 {"embeddings.position_embeddings", "pos_embed"},
                                 {"embeddings.patch_embeddings.projection.", "patch_embed.proj."},
                                 {"layernorm.", "norm."},
                                 {"decoder.mask_token", "mask_token"},
                                 {"decoder.decoder_pos_embed", "decoder_pos_embed"},
                                 {"decoder.decoder_embed.", "decoder_embed."},
                                 {"decoder.decoder_norm.", "decoder_norm."},
                                 {"decoder.decoder_pred.", "decoder_pred."},
                                 {"classifier.", "head."}};
// The first of each kind is what is written.
constexpr Renaming kStacks[] = {{"encoder.layer.", "blocks."},
                                {"layers.", "blocks."},
                                {"decoder.decoder_layers.", "decoder_blocks."},
                                {"decoder.decoder_encoder.layer.", "decoder_blocks."}};
// In a block: of 4.x and of files, then of 5.x. Parts of qkv carry their number.
constexpr Renaming kInside[] = {{"layernorm_before.", "norm1."},
                                {"attention.attention.query.", "attn.qkv.0."},
                                {"attention.attention.key.", "attn.qkv.1."},
                                {"attention.attention.value.", "attn.qkv.2."},
                                {"attention.output.dense.", "attn.proj."},
                                {"layernorm_after.", "norm2."},
                                {"intermediate.dense.", "mlp.fc1."},
                                {"output.dense.", "mlp.fc2."},
                                {"attention.q_proj.", "attn.qkv.0."},
                                {"attention.k_proj.", "attn.qkv.1."},
                                {"attention.v_proj.", "attn.qkv.2."},
                                {"attention.o_proj.", "attn.proj."},
                                {"mlp.fc1.", "mlp.fc1."},
                                {"mlp.fc2.", "mlp.fc2."}};

// `name` with the prefix `from` of a rule as its `to`.
template <size_t N>
std::optional<std::string> Renamed(std::string_view name, const Renaming (&rules)[N],
                                   std::string_view Renaming::*from, std::string_view Renaming::*to) {
  for (const auto& rule : rules) {
    const std::string_view prefix = rule.*from;
    const bool whole = prefix.ends_with('.') ? name.starts_with(prefix) : name == prefix;
    if (whole) return std::string(rule.*to) + std::string(name.substr(prefix.size()));
  }
  return std::nullopt;
}

// A block's tensor: renames the stack, keeps the number, renames the inner part.
std::optional<std::string> RenamedInBlock(std::string_view name, std::string_view Renaming::*from,
                                          std::string_view Renaming::*to) {
  for (const auto& stack : kStacks) {
    std::string_view rest = name;
    if (!rest.starts_with(stack.*from)) continue;
    rest.remove_prefix((stack.*from).size());
    const auto dot = rest.find('.');
    if (dot == std::string_view::npos) continue;
    const auto inner = Renamed(rest.substr(dot + 1), kInside, from, to);
    if (inner) return std::string(stack.*to) + std::string(rest.substr(0, dot + 1)) + *inner;
  }
  return std::nullopt;
}

std::optional<std::string> OursOf(std::string_view theirs) {
  if (theirs.starts_with("vit.")) theirs.remove_prefix(sizeof("vit.") - 1);
  const auto outside = Renamed(theirs, kOutside, &Renaming::theirs, &Renaming::ours);
  return outside ? outside : RenamedInBlock(theirs, &Renaming::theirs, &Renaming::ours);
}

std::optional<std::string> TheirsOf(std::string_view ours) {
  auto theirs = Renamed(ours, kOutside, &Renaming::ours, &Renaming::theirs);
  if (!theirs) theirs = RenamedInBlock(ours, &Renaming::ours, &Renaming::theirs);
  if (!theirs) return std::nullopt;
  const bool bare = theirs->starts_with("decoder.") || theirs->starts_with("classifier.");
  return bare ? *theirs : absl::StrCat("vit.", *theirs);
}

// "blocks.0.attn.qkv.1.bias" is part 1 of "blocks.0.attn.qkv.bias".
bool TakePart(std::string& name, size_t& part) {
  const auto at = name.find(".qkv.");
  if (at == std::string::npos || at + 6 >= name.size()) return false;
  const char digit = name[at + 5];
  if (digit < '0' || digit > '2' || name[at + 6] != '.') return false;
  part = static_cast<size_t>(digit - '0');
  name.erase(at + 5, 2);
  return true;
}

// "blocks.0.attn.qkv.bias" as its thirds, "blocks.0.attn.qkv.0.bias" and so on.
NamedTensors WithPartsOfQkv(const NamedTensors& tensors) {
  constexpr std::string_view kQkv = ".attn.qkv.";
  NamedTensors split;
  for (const auto& [name, tensor] : tensors) {
    const auto at = name.find(kQkv);
    if (at == std::string::npos) {
      split.emplace_back(name, tensor);
      continue;
    }
    const auto parts = tensor.chunk(3, 0);
    for (size_t part = 0; part < parts.size(); ++part) {
      auto third = name;
      split.emplace_back(third.insert(at + kQkv.size(), absl::StrCat(part, ".")), parts[part]);
    }
  }
  return split;
}

bool AreOfTransformers(const NamedTensors& tensors) {
  return std::any_of(tensors.begin(), tensors.end(), [](const auto& item) {
    return item.first.ends_with("embeddings.cls_token") || item.first.starts_with("vit.") ||
           item.first.starts_with("decoder.decoder_");
  });
}

NamedTensors WithoutPrefixOfAll(const NamedTensors& tensors, std::string_view prefix) {
  const bool all = std::all_of(tensors.begin(), tensors.end(),
                               [&](const auto& item) { return item.first.starts_with(prefix); });
  if (!all) return tensors;
  NamedTensors bare;
  for (const auto& [name, tensor] : tensors) bare.emplace_back(name.substr(prefix.size()), tensor);
  return bare;
}

using Thirds = std::map<std::string, std::array<torch::Tensor, 3>>;

absl::StatusOr<torch::Tensor> Fused(const std::string& name, const std::array<torch::Tensor, 3>& thirds) {
  for (const auto& third : thirds) {
    if (third.defined() && third.sizes() == thirds[0].sizes() && third.dim() > 0) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("tensor ", name, ": one of query, key and value is missing or of another shape"));
  }
  return CatchTorch(absl::StrCat("fusing ", name), [&] {
    return torch::cat({thirds[0], thirds[1], thirds[2]}, 0);
  });
}

}  // namespace

absl::StatusOr<NamedTensors> ToOfficialNames(const NamedTensors& tensors) {
  const NamedTensors given = WithoutPrefixOfAll(tensors, "module.");
  if (!AreOfTransformers(given)) return given;
  NamedTensors official;
  Thirds thirds;
  for (const auto& [theirs, tensor] : given) {
    if (absl::StrContains(theirs, "pooler.")) continue;
    auto ours = OursOf(theirs);
    if (!ours) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tensor ", theirs, ": no tensor of a ViTMAE or ViT classifier of transformers is called so"));
    }
    size_t part = 0;
    if (TakePart(*ours, part)) {
      thirds[*ours][part] = tensor;
    } else {
      official.emplace_back(*std::move(ours), tensor);
    }
  }
  for (const auto& [name, parts] : thirds) {
    MAE_ASSIGN_OR_RETURN(torch::Tensor fused, Fused(name, parts));
    official.emplace_back(name, std::move(fused));
  }
  return official;
}

absl::StatusOr<NamedTensors> ToHuggingFaceNames(const NamedTensors& tensors) {
  NamedTensors theirs;
  for (const auto& [ours, tensor] : WithPartsOfQkv(tensors)) {
    auto name = TheirsOf(ours);
    if (!name) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor ", ours, " has no place in the models of transformers"));
    }
    theirs.emplace_back(*std::move(name), tensor);
  }
  return theirs;
}

absl::StatusOr<NamedTensors> FoldProbeHead(const NamedTensors& tensors) {
  constexpr double kProbeEps = 1e-6;
  std::map<std::string_view, torch::Tensor> head;
  NamedTensors folded;
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with("head.0.") || name.starts_with("head.1.")) {
      head[std::string_view(name).substr(sizeof("head.") - 1)] = tensor;
    } else {
      folded.emplace_back(name, tensor);
    }
  }
  if (head.empty()) return folded;
  head.erase("0.num_batches_tracked");
  const auto mean = head["0.running_mean"], var = head["0.running_var"];
  const auto weight = head["1.weight"], bias = head["1.bias"];
  // Looking made those that were missing, undefined.
  const bool whole = head.size() == 4 && mean.defined() && var.defined() && weight.defined() &&
                     bias.defined() && weight.dim() == 2 && mean.sizes() == var.sizes() && mean.dim() == 1 &&
                     mean.size(0) == weight.size(1) && bias.dim() == 1 && bias.size(0) == weight.size(0);
  if (!whole) {
    return absl::InvalidArgumentError(
        "head.0 and head.1 are no head of a linear probe: running_mean, running_var, weight [C,D] and bias "
        "[C] are needed, and nothing else is known");
  }
  return CatchTorch("folding the probe's head", [&] {
    const auto scaled = weight.to(torch::kDouble) / (var.to(torch::kDouble) + kProbeEps).sqrt();
    const auto shifted = bias.to(torch::kDouble) - torch::mv(scaled, mean.to(torch::kDouble));
    folded.emplace_back("head.weight", scaled.to(torch::kFloat));
    folded.emplace_back("head.bias", shifted.to(torch::kFloat));
    return folded;
  });
}

}  // namespace mae
