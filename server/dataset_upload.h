#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/file_digest.h"
#include "mae/v1/dataset.pb.h"
#include "server/dataset_store.h"
#include "server/upload_staging.h"

namespace mae {

struct DatasetUploadLimits {
  int64_t max_bytes = int64_t{4} << 40;
  int64_t max_files = 20'000'000;
  int64_t reserve = int64_t{1} << 30;  ///< bytes that stay free on the disk, for checkpoints
  /// How far an upload is is written down whenever this much has come, or time has passed; what came since is
  /// sent again after a crash of the server.
  int64_t save_bytes = int64_t{256} << 20;
  absl::Duration save_interval = absl::Seconds(10);
};

/// The messages of one UploadDataset call (proto/mae/v1/dataset.proto), taken in order into files of the
/// staging folder, which become the dataset in the end. Nothing outside that folder is touched before
/// Publish, and nothing but regular files is made in it. What has come stays there when the call ends before.
/// Blocks on the disk. Not thread-safe.
class DatasetUpload {
 public:
  static constexpr const char* kGivenUp = "what arrived stays: the same upload goes on from there";

  /// Both outlive it.
  DatasetUpload(UploadStaging& staging, DatasetStore& store, DatasetUploadLimits limits = {})
      : staging_(staging), store_(store), limits_(limits) {}
  /// Writes down how far the upload is.
  ~DatasetUpload();
  DatasetUpload(const DatasetUpload&) = delete;
  DatasetUpload& operator=(const DatasetUpload&) = delete;

  /// Errors as UploadDataset says; INVALID_ARGUMENT with the field at fault.
  absl::Status Take(const v1::UploadDatasetRequest& request);

  /// Looks the files through, and makes them the dataset. ABORTED if the end did not come; INVALID_ARGUMENT
  /// or NOT_FOUND of InspectDataset and MeasurePixels, with the files still there; CANCELLED, likewise, if
  /// `is_cancelled` once they are looked through.
  absl::Status Publish(const std::function<bool()>& is_cancelled, v1::Dataset& dataset);

 private:
  absl::Status Begin(const v1::DatasetUploadOptions& options);
  absl::Status CheckOptions(const v1::DatasetUploadOptions& options) const;
  absl::Status CheckGoesOn(const v1::DatasetUpload& there, const v1::DatasetUploadOptions& options) const;
  absl::Status Reopen();
  void ForgetFile();
  absl::Status TakePart(const v1::DatasetFilePart& part);
  absl::Status Open(const std::string& path);
  absl::Status Close(const std::string& sha256);
  absl::Status TakeEnd(const v1::DatasetUploadEnd& end);
  absl::Status CheckDisk(int64_t bytes) const;
  absl::Status Save();
  absl::Status SaveIfDue(int64_t bytes);
  absl::StatusOr<DatasetInfo> LookThrough() const;
  absl::Status NotADataset(const absl::Status& status) const;
  std::filesystem::path PathOf(const std::string& path) const { return claim_->files() / path; }

  UploadStaging& staging_;
  DatasetStore& store_;
  const DatasetUploadLimits limits_;
  std::optional<UploadStaging::Claim> claim_;
  bool begun_ = false;  ///< the options were taken, and nothing was published yet
  v1::DatasetUpload progress_;
  std::ofstream file_;  ///< progress_.path
  DigestStream digest_;
  bool ended_ = false;
  int64_t unsaved_ = 0;
  absl::Time saved_;
};

}  // namespace mae
