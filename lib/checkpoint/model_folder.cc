#include "checkpoint/model_folder.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "base/system_error.h"
#include "options/model_json.h"
#include "runtime/torch_status.h"

namespace mae {
namespace {

std::string ShapeText(const torch::Tensor& tensor) {
  return absl::StrCat("[", absl::StrJoin(tensor.sizes(), ","), "]");
}

// What is wrong with `found` as a value of `wanted`; empty if nothing.
std::string FaultOf(const std::string& name, const torch::Tensor& wanted, const torch::Tensor* found) {
  if (found == nullptr) return absl::StrCat(name, " is missing");
  if (found->sizes() == wanted.sizes()) return "";
  return absl::StrCat(name, " is ", ShapeText(*found), ", the model's is ", ShapeText(wanted));
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

absl::Status MakeEmptyFolder(const std::filesystem::path& folder) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(folder, error);
  if (error) return SystemError("make folder", folder, error.value());
  return made && folder.has_parent_path() ? SyncFolder(folder.parent_path()) : absl::OkStatus();
}

int64_t CountParameters(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

}  // namespace

NamedTensors StateOf(const torch::nn::Module& module) {
  NamedTensors state;
  for (const auto& item : module.named_parameters()) state.emplace_back(item.key(), item.value().detach());
  for (const auto& item : module.named_buffers()) state.emplace_back(item.key(), item.value().detach());
  return state;
}

absl::Status LoadState(const NamedTensors& state, torch::nn::Module& module,
                       const std::vector<std::string>& allow_missing) {
  std::map<std::string, const torch::Tensor*> by_name;
  for (const auto& [name, tensor] : state) by_name.emplace(name, &tensor);
  std::vector<std::string> faults;
  std::vector<std::pair<torch::Tensor, const torch::Tensor*>> copies;
  for (const auto& [name, wanted] : StateOf(module)) {
    const auto found = by_name.find(name);
    if (found == by_name.end() && Contains(allow_missing, name)) continue;
    copies.emplace_back(wanted, found == by_name.end() ? nullptr : found->second);
    const auto fault = FaultOf(name, wanted, copies.back().second);
    if (!fault.empty()) faults.push_back(fault);
  }
  if (!faults.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("weights do not fit the model: ", absl::StrJoin(faults, "; ")));
  }
  return CatchTorch("loading weights", [&copies] {
    torch::NoGradGuard no_grad;
    for (auto& [to, from] : copies) to.copy_(*from);
  });
}

absl::Status WriteModelFolder(const std::filesystem::path& folder, const torch::nn::Module& module,
                              const ModelConfig& config, ModelCard card) {
  MAE_RETURN_IF_ERROR(MakeEmptyFolder(folder));
  MAE_ASSIGN_OR_RETURN(card.sha256, WriteSafetensors(folder / "model.safetensors", StateOf(module)));
  card.parameters = CountParameters(module);
  MAE_RETURN_IF_ERROR(WriteFileDurably(folder / "config.json", ModelConfigToJson(config)));
  return WriteFileDurably(folder / "card.json", ModelCardToJson(card));
}

absl::StatusOr<ModelConfig> ReadModelConfig(const std::filesystem::path& folder) {
  constexpr int64_t kMaxBytes = int64_t{16} << 20;
  MAE_ASSIGN_OR_RETURN(const std::string text, ReadFile(folder / "config.json", kMaxBytes));
  auto config = ModelConfigFromJson(text);
  if (config.ok()) return config;
  return absl::Status(config.status().code(), absl::StrCat(folder.string(), "/", config.status().message()));
}

}  // namespace mae
