#include "checkpoint/checkpoint_reader.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "checkpoint/manifest.h"

namespace mae {
namespace {

constexpr int64_t kMaxJsonBytes = int64_t{16} << 20;

absl::StatusOr<Manifest> ReadManifest(const std::filesystem::path& folder) {
  MAE_ASSIGN_OR_RETURN(const std::string text, ReadFile(folder / kManifestFile, kMaxJsonBytes));
  MAE_ASSIGN_OR_RETURN(Manifest manifest, ManifestFromJson(text));
  for (const char* name : {kModelFile, kOptimizerFile, kStateFile}) {
    if (manifest.count(name) == 0) return absl::DataLossError(absl::StrCat("the manifest lacks ", name));
  }
  return manifest;
}

absl::StatusOr<NamedTensors> ReadTensors(const std::filesystem::path& path) {
  MAE_ASSIGN_OR_RETURN(Safetensors file, ReadSafetensors(path));
  return std::move(file.tensors);
}

absl::StatusOr<TrainingCheckpoint> ReadCheckpoint(const std::filesystem::path& folder, int64_t step) {
  MAE_ASSIGN_OR_RETURN(const Manifest manifest, ReadManifest(folder));
  MAE_RETURN_IF_ERROR(VerifyManifest(folder, manifest));
  TrainingCheckpoint checkpoint;
  MAE_ASSIGN_OR_RETURN(const std::string state, ReadFile(folder / kStateFile, kMaxJsonBytes));
  MAE_ASSIGN_OR_RETURN(checkpoint.progress, ProgressFromJson(state));
  if (checkpoint.progress.step != step) {
    return absl::DataLossError(absl::StrCat("state.json is of step ", checkpoint.progress.step));
  }
  MAE_ASSIGN_OR_RETURN(checkpoint.model, ReadTensors(folder / kModelFile));
  MAE_ASSIGN_OR_RETURN(checkpoint.optimizer, ReadTensors(folder / kOptimizerFile));
  return checkpoint;
}

}  // namespace

absl::StatusOr<LatestCheckpoint> ReadLatestCheckpoint(const std::filesystem::path& folder) {
  return ReadLatestCheckpoint(folder, [](int64_t /*step*/) { return true; });
}

absl::StatusOr<LatestCheckpoint> ReadLatestCheckpoint(const std::filesystem::path& folder,
                                                      const std::function<bool(int64_t step)>& accepts) {
  MAE_ASSIGN_OR_RETURN(std::vector<int64_t> steps, ListCheckpointSteps(folder));
  std::erase_if(steps, [&](int64_t step) { return !accepts(step); });
  if (steps.empty()) return absl::NotFoundError(absl::StrCat("no checkpoint in ", folder.string()));
  std::reverse(steps.begin(), steps.end());

  LatestCheckpoint latest;
  for (const int64_t step : steps) {
    latest.folder = folder / CheckpointFolderName(step);
    auto checkpoint = ReadCheckpoint(latest.folder, step);
    if (checkpoint.ok()) {
      latest.checkpoint = *std::move(checkpoint);
      return latest;
    }
    // A whole checkpoint that memory can't hold is no reason to go back to an older one.
    if (absl::IsResourceExhausted(checkpoint.status())) return checkpoint.status();
    latest.warnings.push_back(
        absl::StrCat(latest.folder.filename().string(), " passed over: ", checkpoint.status().message()));
  }
  return absl::DataLossError(absl::StrCat("no checkpoint in ", folder.string(),
                                          " is whole: ", absl::StrJoin(latest.warnings, "; "),
                                          "; restore one, or remove the folder to start anew"));
}

}  // namespace mae
