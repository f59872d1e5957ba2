#include "interop/model_import.h"

#include <torch/torch.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
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
#include "models/make_module.h"
#include "runtime/torch_status.h"

namespace mae {
namespace {

constexpr size_t kMaxFileName = 128;
constexpr size_t kMaxTensorName = 256;

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

// Names go into messages and remarks, which are text.
absl::Status CheckTensorName(const std::string& name) {
  const bool plain =
      name.size() <= kMaxTensorName && std::all_of(name.begin(), name.end(), absl::ascii_isprint);
  if (plain) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("tensor '", absl::CEscape(name.substr(0, kMaxTensorName)),
                                                 "': names are printable ASCII, ", kMaxTensorName,
                                                 " characters at most"));
}

// float32, which every model here is stored in; counters of a BatchNorm fall off.
absl::StatusOr<NamedTensors> AsFloats(const NamedTensors& tensors) {
  NamedTensors floats;
  for (const auto& [name, tensor] : tensors) {
    if (name.ends_with("num_batches_tracked")) continue;
    MAE_RETURN_IF_ERROR(CheckTensorName(name));
    if (!tensor.is_floating_point()) {
      return absl::InvalidArgumentError(absl::StrCat("tensor ", name, ": is of ",
                                                     c10::toString(tensor.scalar_type()),
                                                     "; weights are floating point numbers"));
    }
    floats.emplace_back(name, tensor.to(torch::kFloat));
  }
  return floats;
}

// DescribeWeights has checked every name and shape.
absl::Status WriteImported(const NamedTensors& tensors, const ModelConfig& config, const ModelCard& card,
                           const std::filesystem::path& out) {
  const auto module = MakeModule(config);
  MAE_RETURN_IF_ERROR(LoadState(tensors, *module));
  return WriteModelFolder(out, *module, config, card);
}

// ImageNet's list, which many configs carry, has "crane" twice.
std::vector<std::string> NamesOfTwoClasses(const std::vector<std::string>& labels) {
  std::set<std::string_view> seen, twice;
  for (const auto& label : labels) {
    if (!seen.insert(label).second) twice.insert(label);
  }
  return {twice.begin(), twice.end()};
}

std::vector<std::string> RemarksOf(const DescribedModel& described) {
  auto remarks = described.remarks;
  const auto twice = NamesOfTwoClasses(described.config.labels);
  if (!twice.empty()) {
    remarks.push_back(absl::StrCat("Several classes have the same name, ",
                                   absl::CHexEscape(twice.front().substr(0, 80)),
                                   twice.size() > 1 ? absl::StrCat(" the first of ", twice.size()) : "",
                                   ": where classes are matched by name the first of them counts."));
  }
  if (!described.ignored.empty()) {
    remarks.push_back(
        absl::StrCat("Left out, as a classifier has no use for them: ", described.ignored.size(),
                     " tensors, ", described.ignored.front(), " the first."));
  }
  return remarks;
}

absl::StatusOr<std::vector<std::string>> ImportFrom(const std::filesystem::path& files,
                                                    const ImportOptions& options,
                                                    const std::filesystem::path& out) {
  MAE_ASSIGN_OR_RETURN(const ImportOptions found, ReadConfigFiles(files));
  MAE_ASSIGN_OR_RETURN(const auto path, FindWeights(files));
  MAE_ASSIGN_OR_RETURN(NamedTensors tensors, ReadWeights(path));
  MAE_ASSIGN_OR_RETURN(tensors, AsFloats(tensors));
  const GivenNames names(tensors);
  MAE_ASSIGN_OR_RETURN(tensors, ToOfficialNames(tensors));
  MAE_ASSIGN_OR_RETURN(tensors, FoldProbeHead(tensors, names));
  MAE_ASSIGN_OR_RETURN(const DescribedModel described,
                       DescribeWeights(tensors, Completed(options, found), names));
  ModelCard card;
  card.recipe = "imported";
  card.source = options.source.empty() ? path.filename().string() : options.source;
  card.license = options.license;
  MAE_RETURN_IF_ERROR(WriteImported(tensors, described.config, card, out));
  return RemarksOf(described);
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

absl::StatusOr<std::vector<std::string>> ImportModelFiles(const std::filesystem::path& files,
                                                          const ImportOptions& options,
                                                          const std::filesystem::path& out) {
  return CatchTorch("importing", [&] { return ImportFrom(files, options, out); });
}

}  // namespace mae
