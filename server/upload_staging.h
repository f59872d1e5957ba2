#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "mae/v1/dataset.pb.h"
#include "server/trash_folder.h"

namespace mae {

/// Where the files of datasets lie while they are uploaded: {root}/{dataset}/files, and in progress.json
/// beside them how far the upload is. They outlast calls and servers. Thread-safe; every call blocks on the
/// disk.
class UploadStaging {
 public:
  /// The folder of one dataset, of one call alone for as long as it lives. Movable; not thread-safe.
  class Claim {
   public:
    Claim() = default;
    Claim(Claim&& other) noexcept;
    Claim& operator=(Claim&& other) noexcept;
    ~Claim();

    /// How far the upload is; nothing where its files are not there.
    v1::DatasetUpload Load() const;
    /// Once the files that it tells of are on the disk: syncs them first.
    absl::Status Save(const v1::DatasetUpload& progress) const;
    /// Takes all of it away.
    absl::Status Clear() const;
    std::filesystem::path files() const { return folder_ / "files"; }

   private:
    friend class UploadStaging;
    Claim(UploadStaging* staging, std::string dataset, std::filesystem::path folder)
        : staging_(staging), dataset_(std::move(dataset)), folder_(std::move(folder)) {}

    UploadStaging* staging_ = nullptr;  ///< null: of nothing
    std::string dataset_;
    std::filesystem::path folder_;
  };

  /// @param root on the file system of the datasets; made when it is needed.
  /// @param trash takes what is cleared away; outlives the staging.
  UploadStaging(std::filesystem::path root, const TrashFolder& trash,
                absl::Duration keep = absl::Hours(7 * 24))
      : root_(std::move(root)), trash_(trash), keep_(keep) {}

  /// ABORTED with RetryInfo while another claim of it lives. @param dataset a name, without "datasets/".
  absl::StatusOr<Claim> Take(const std::string& dataset) ABSL_LOCKS_EXCLUDED(mutex_);

  /// How far an upload is that no call is at: as Claim::Load. ABORTED with RetryInfo while one is.
  absl::StatusOr<v1::DatasetUpload> Read(const std::string& dataset) ABSL_LOCKS_EXCLUDED(mutex_);

  /// Takes away what has not gone on for `keep`.
  void Sweep() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  absl::Status CheckUnclaimed(const std::string& dataset) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  const std::filesystem::path root_;
  const TrashFolder& trash_;
  const absl::Duration keep_;
  absl::Mutex mutex_;
  std::set<std::string> claimed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mae
