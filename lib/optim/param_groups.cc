#include "optim/param_groups.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace mae {
namespace {

// The i of blocks.i.rest.
std::optional<int64_t> BlockOf(absl::string_view name) {
  int64_t block = 0;
  if (!absl::ConsumePrefix(&name, "blocks.")) return std::nullopt;
  if (!absl::SimpleAtoi(name.substr(0, name.find('.')), &block)) return std::nullopt;
  return block;
}

int64_t DepthOf(const torch::nn::Module& module) {
  int64_t depth = 0;
  for (const auto& item : module.named_parameters()) {
    depth = std::max(depth, BlockOf(item.key()).value_or(-1) + 1);
  }
  return depth;
}

ParamGroup GroupLike(bool decayed, const OptimizerOptions& options) {
  ParamGroup group;
  group.weight_decay = decayed ? options.weight_decay : 0.0;
  group.name = decayed ? "decay" : "no_decay";
  return group;
}

// The group of that name, added at the end if it is not there.
ParamGroup& Find(ParamGroup group, std::vector<ParamGroup>& groups) {
  for (auto& known : groups) {
    if (known.name == group.name) return known;
  }
  return groups.emplace_back(std::move(group));
}

}  // namespace

bool IsDecayed(const std::string& name, const torch::Tensor& parameter, WeightDecayScope scope,
               TrainingKind kind) {
  if (scope == WeightDecayScope::kAll) return true;
  if (kind == TrainingKind::kFinetune && (name == "cls_token" || name == "pos_embed")) return false;
  return parameter.dim() > 1 && !absl::EndsWith(name, ".bias");
}

int64_t LayerOf(const std::string& name, int64_t depth) {
  if (name == "cls_token" || name == "pos_embed" || absl::StartsWith(name, "patch_embed.")) return 0;
  const auto block = BlockOf(name);
  return block ? *block + 1 : depth + 1;
}

std::vector<ParamGroup> MakeParamGroups(const torch::nn::Module& module, const OptimizerOptions& options,
                                        TrainingKind kind) {
  const bool by_layer = options.layer_decay != 1.0;
  const int64_t depth = DepthOf(module);
  std::vector<ParamGroup> groups;
  if (!by_layer) groups = {GroupLike(false, options), GroupLike(true, options)};
  for (const auto& item : module.named_parameters()) {
    if (!item.value().requires_grad()) continue;
    auto like = GroupLike(IsDecayed(item.key(), item.value(), options.weight_decay_scope, kind), options);
    if (by_layer) {
      const int64_t layer = LayerOf(item.key(), depth);
      like.name = absl::StrCat("layer_", layer, "_", like.name);
      like.learning_rate_scale = std::pow(options.layer_decay, static_cast<double>(depth + 1 - layer));
    }
    Find(std::move(like), groups).parameters.emplace_back(item.key(), item.value());
  }
  std::erase_if(groups, [](const ParamGroup& group) { return group.parameters.empty(); });
  return groups;
}

}  // namespace mae
