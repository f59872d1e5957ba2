#include "job/job_folder.h"

#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "base/durable_file_writer.h"
#include "base/hidden_name.h"
#include "base/status_macros.h"

namespace mae {
namespace {

absl::Status MakeFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return absl::OkStatus();
  const std::string message = absl::StrCat(folder.string(), ": can't make this folder: ", error.message());
  if (error == std::errc::permission_denied || error == std::errc::read_only_file_system) {
    return absl::PermissionDeniedError(message);
  }
  if (error == std::errc::no_space_on_device) return absl::ResourceExhaustedError(message);
  return absl::InternalError(message);
}

// checkpoint/checkpoint_writer.h stages and removes checkpoints under hidden names.
void RemoveHidden(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> hidden;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (absl::StartsWith(it->path().filename().string(), kHiddenPrefix)) hidden.push_back(it->path());
  }
  for (const auto& path : hidden) std::filesystem::remove_all(path, error);
}

}  // namespace

void JobFolder::Sweep() const {
  for (const auto& folder : {root_, samples(), exported()}) RemoveTemporaries(folder);
  RemoveHidden(checkpoints());
}

absl::Status JobFolder::Create(const std::string& spec_json) const {
  std::error_code error;
  if (std::filesystem::exists(spec(), error)) {
    return absl::AlreadyExistsError(
        absl::StrCat(spec().string(), " exists: this folder belongs to another job"));
  }
  MAE_RETURN_IF_ERROR(MakeFolder(root_));
  MAE_RETURN_IF_ERROR(MakeFolder(checkpoints()));
  MAE_RETURN_IF_ERROR(MakeFolder(samples()));
  MAE_RETURN_IF_ERROR(WriteFileDurably(spec(), spec_json));
  return SyncFolder(root_.has_parent_path() ? root_.parent_path() : std::filesystem::path("."));
}

absl::Status JobFolder::ReplaceSpec(const std::string& spec_json) const {
  return WriteFileDurably(spec(), spec_json);
}

}  // namespace mae
