#include "optim/param_groups.h"

#include "absl/strings/match.h"

namespace mae {

bool IsDecayed(const std::string& name, const torch::Tensor& parameter, WeightDecayScope scope,
               TrainingKind kind) {
  if (scope == WeightDecayScope::kAll) return true;
  if (kind == TrainingKind::kFinetune && (name == "cls_token" || name == "pos_embed")) return false;
  return parameter.dim() > 1 && !absl::EndsWith(name, ".bias");
}

std::vector<ParamGroup> MakeParamGroups(const torch::nn::Module& module, const OptimizerOptions& options,
                                        TrainingKind kind) {
  ParamGroup plain, decayed;
  decayed.weight_decay = options.weight_decay;
  for (const auto& item : module.named_parameters()) {
    if (!item.value().requires_grad()) continue;
    const bool decay = IsDecayed(item.key(), item.value(), options.weight_decay_scope, kind);
    (decay ? decayed : plain).parameters.emplace_back(item.key(), item.value());
  }
  std::vector<ParamGroup> groups;
  if (!plain.parameters.empty()) groups.push_back(std::move(plain));
  if (!decayed.parameters.empty()) groups.push_back(std::move(decayed));
  return groups;
}

}  // namespace mae
