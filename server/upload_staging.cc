#include "server/upload_staging.h"

#include <fcntl.h>
#include <google/protobuf/util/json_util.h>
#include <unistd.h>

#include <system_error>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "base/system_error.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgress = "progress.json";
constexpr int64_t kMaxProgress = 1 << 16;

// Everything of the folder's file system: cheaper than a sync for each of a million small files.
absl::Status SyncAllOf(const fs::path& folder) {
  const int fd = RetryInterrupted([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (fd < 0) return SystemError("open", folder, errno);
  const absl::Cleanup close_folder = [fd] { ::close(fd); };
  if (::syncfs(fd) != 0) return SystemError("sync", folder, errno);
  return absl::OkStatus();
}

v1::DatasetUpload LoadProgress(const fs::path& folder) {
  v1::DatasetUpload progress;
  const auto text = ReadFile(folder / kProgress, kMaxProgress);
  if (!text.ok() || !google::protobuf::util::JsonStringToMessage(*text, &progress).ok()) return {};
  // They have become the dataset, and the server ended before it had cleared the rest away.
  std::error_code error;
  const bool has_files = progress.files() > 0 || !progress.path().empty();
  if (has_files && (fs::is_empty(folder / "files", error) || error)) return {};
  return progress;
}

}  // namespace

UploadStaging::Claim::Claim(Claim&& other) noexcept { *this = std::move(other); }

UploadStaging::Claim& UploadStaging::Claim::operator=(Claim&& other) noexcept {
  std::swap(staging_, other.staging_);
  std::swap(dataset_, other.dataset_);
  std::swap(folder_, other.folder_);
  return *this;
}

UploadStaging::Claim::~Claim() {
  if (staging_ == nullptr) return;
  const absl::MutexLock lock(&staging_->mutex_);
  staging_->claimed_.erase(dataset_);
}

v1::DatasetUpload UploadStaging::Claim::Load() const { return LoadProgress(folder_); }

absl::Status UploadStaging::Claim::Save(const v1::DatasetUpload& progress) const {
  std::string text;
  const auto written = google::protobuf::util::MessageToJsonString(progress, &text);
  if (!written.ok()) return absl::InternalError(written.ToString());
  std::error_code error;
  fs::create_directories(files(), error);
  if (error) return SystemError("make folder", files(), error.value());
  MAE_RETURN_IF_ERROR(SyncAllOf(files()));
  return WriteFileDurably(folder_ / kProgress, text);
}

absl::Status UploadStaging::Claim::Clear() const {
  std::error_code error;
  return fs::exists(fs::symlink_status(folder_, error)) ? staging_->trash_.Put(folder_) : absl::OkStatus();
}

absl::Status UploadStaging::CheckUnclaimed(const std::string& dataset) const {
  constexpr absl::Duration kRetry = absl::Seconds(5);
  if (!claimed_.contains(dataset)) return absl::OkStatus();
  return WithRetryDelay(
      absl::AbortedError(absl::StrCat("datasets/", dataset, " is being uploaded or removed by another call")),
      kRetry);
}

absl::StatusOr<UploadStaging::Claim> UploadStaging::Take(const std::string& dataset) {
  const absl::MutexLock lock(&mutex_);
  MAE_RETURN_IF_ERROR(CheckUnclaimed(dataset));
  claimed_.insert(dataset);
  return Claim(this, dataset, root_ / dataset);
}

absl::StatusOr<v1::DatasetUpload> UploadStaging::Read(const std::string& dataset) {
  {
    const absl::MutexLock lock(&mutex_);
    MAE_RETURN_IF_ERROR(CheckUnclaimed(dataset));
  }
  return LoadProgress(root_ / dataset);
}

void UploadStaging::Sweep() {
  std::vector<std::string> old;
  const auto oldest = fs::file_time_type::clock::now() - absl::ToChronoNanoseconds(keep_);
  std::error_code error;
  for (fs::directory_iterator it(root_, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;  // What vanishes meanwhile is swept already.
    auto changed = fs::last_write_time(it->path() / kProgress, ignored);
    if (ignored) changed = fs::last_write_time(it->path(), ignored);
    if (!ignored && changed < oldest) old.push_back(it->path().filename());
  }
  for (const auto& dataset : old) {
    const auto claim = Take(dataset);
    if (claim.ok()) claim->Clear().IgnoreError();  // The next sweep tries again.
  }
}

}  // namespace mae
