#include "optim/state_tensors.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/torch_status.h"

namespace mae {

std::unordered_map<std::string, const torch::Tensor*> TensorsByName(const NamedParameters& tensors) {
  std::unordered_map<std::string, const torch::Tensor*> by_name;
  for (const auto& [name, tensor] : tensors) by_name.emplace(name, &tensor);
  return by_name;
}

absl::Status CopyState(const std::string& what, const NamedParameters& from, const NamedParameters& to) {
  const auto by_name = TensorsByName(from);
  std::vector<std::string> faults;
  std::vector<std::pair<torch::Tensor, const torch::Tensor*>> copies;
  for (const auto& [name, own] : to) {
    const auto found = by_name.find(name);
    if (found == by_name.end()) {
      faults.push_back(absl::StrCat(name, " is missing"));
    } else if (found->second->sizes() != own.sizes()) {
      faults.push_back(absl::StrCat(name, " has shape [", absl::StrJoin(found->second->sizes(), ","),
                                    "], not [", absl::StrJoin(own.sizes(), ","), "]"));
    } else {
      copies.emplace_back(own, found->second);
    }
  }
  if (!faults.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, " does not fit the model: ", absl::StrJoin(faults, "; ")));
  }
  return CatchTorch(absl::StrCat("loading ", what), [&copies] {
    const torch::NoGradGuard no_grad;
    for (auto& [own, found] : copies) own.copy_(*found);
  });
}

}  // namespace mae
