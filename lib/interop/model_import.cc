#include "interop/model_import.h"

#include <torch/torch.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status_macros.h"
#include "base/system_error.h"
#include "checkpoint/model_folder.h"
#include "interop/config_files.h"
#include "interop/pth_file.h"
#include "interop/weight_names.h"
#include "interop/weight_shapes.h"
#include "models/masked_autoencoder.h"
#include "models/vision_transformer.h"
#include "runtime/torch_status.h"

namespace mae {
namespace {

constexpr size_t kMaxFileName = 128;

bool IsPickled(absl::string_view name) {
  return absl::EndsWith(name, ".pth") || absl::EndsWith(name, ".pt") || absl::EndsWith(name, ".bin");
}
bool IsWeights(absl::string_view name) { return absl::EndsWith(name, ".safetensors") || IsPickled(name); }

absl::StatusOr<std::filesystem::path> FindWeights(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (IsWeights(it->path().filename().string())) found.push_back(it->path());
  }
  if (error) return SystemError("list", folder, error.value());
  if (found.size() == 1) return found.front();
  return absl::InvalidArgumentError(
      absl::StrCat("files: ", found.size(),
                   " files of weights were given; exactly one .safetensors, .pth, .pt or .bin is read "
                   "(put sharded weights together first)"));
}

absl::StatusOr<NamedTensors> ReadWeights(const std::filesystem::path& path) {
  if (IsPickled(path.filename().string())) return ReadPth(path);
  auto file = ReadSafetensors(path);
  if (!file.ok()) {
    return absl::Status(file.status().code(), absl::StrReplaceAll(file.status().message(),
                                                                  {{path.parent_path().string() + "/", ""}}));
  }
  return std::move(file->tensors);
}

// float32, which every model here is stored in; counters of a BatchNorm fall off.
absl::StatusOr<NamedTensors> AsFloats(const NamedTensors& tensors) {
  NamedTensors floats;
  for (const auto& [name, tensor] : tensors) {
    if (name.ends_with("num_batches_tracked")) continue;
    if (!tensor.is_floating_point()) {
      return absl::InvalidArgumentError(absl::StrCat("tensor ", absl::CEscape(name), ": is of ",
                                                     c10::toString(tensor.scalar_type()),
                                                     "; weights are floating point numbers"));
    }
    MAE_ASSIGN_OR_RETURN(auto converted, CatchTorch(absl::StrCat("converting ", absl::CEscape(name)),
                                                    [&tensor = tensor] { return tensor.to(torch::kFloat); }));
    floats.emplace_back(name, std::move(converted));
  }
  return floats;
}

std::shared_ptr<torch::nn::Module> BuildModule(const ModelConfig& config) {
  if (const auto* options = std::get_if<MaskedAutoencoderOptions>(&config.model)) {
    return std::make_shared<MaskedAutoencoderImpl>(*options);
  }
  return std::make_shared<VisionTransformerImpl>(std::get<VisionTransformerOptions>(config.model));
}

// The module checks every name and shape.
absl::Status WriteImported(const NamedTensors& tensors, const ModelConfig& config, const ModelCard& card,
                           const std::filesystem::path& out) {
  return CatchTorch("building the model", [&]() -> absl::Status {
    const auto module = BuildModule(config);
    MAE_RETURN_IF_ERROR(LoadState(tensors, *module));
    return WriteModelFolder(out, *module, config, card);
  });
}

absl::StatusOr<NamedTensors> OfficialTensors(const std::filesystem::path& path) {
  MAE_ASSIGN_OR_RETURN(NamedTensors tensors, ReadWeights(path));
  MAE_ASSIGN_OR_RETURN(tensors, AsFloats(tensors));
  MAE_ASSIGN_OR_RETURN(tensors, ToOfficialNames(tensors));
  return FoldProbeHead(tensors);
}

std::vector<std::string> RemarksOf(const DescribedModel& described) {
  auto remarks = described.remarks;
  if (!described.ignored.empty()) {
    remarks.push_back(
        absl::StrCat("Left out, as a classifier has no use for them: ", described.ignored.size(),
                     " tensors, ", described.ignored.front(), " the first."));
  }
  return remarks;
}

}  // namespace

absl::Status CheckImportFileName(const std::string& name) {
  const auto allowed = [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
  };
  const bool plain = !name.empty() && name.size() <= kMaxFileName && name[0] != '.' &&
                     std::all_of(name.begin(), name.end(), allowed) && !absl::StrContains(name, "..");
  if (!plain) {
    return absl::InvalidArgumentError(absl::StrCat("name: '", absl::CEscape(name.substr(0, kMaxFileName)),
                                                   "' is no file name of letters, digits, . _ and - (",
                                                   kMaxFileName, " at most, none in a folder)"));
  }
  if (IsWeights(name) || name == "config.json" || name == "preprocessor_config.json") return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("name: '", name,
                   "' is neither weights (.safetensors, .pth, .pt, .bin) nor config.json nor "
                   "preprocessor_config.json"));
}

absl::StatusOr<ImportedModel> ImportModelFiles(const std::filesystem::path& files,
                                               const ImportOptions& options,
                                               const std::filesystem::path& out) {
  MAE_ASSIGN_OR_RETURN(const ImportOptions found, ReadConfigFiles(files));
  MAE_ASSIGN_OR_RETURN(const auto path, FindWeights(files));
  MAE_ASSIGN_OR_RETURN(const NamedTensors tensors, OfficialTensors(path));
  MAE_ASSIGN_OR_RETURN(const DescribedModel described, DescribeWeights(tensors, Completed(options, found)));
  ImportedModel imported;
  imported.config = described.config;
  imported.remarks = RemarksOf(described);
  imported.card.recipe = "imported";
  imported.card.source = options.source.empty() ? path.filename().string() : options.source;
  imported.card.license = options.license;
  MAE_RETURN_IF_ERROR(WriteImported(tensors, imported.config, imported.card, out));
  return imported;
}

}  // namespace mae
