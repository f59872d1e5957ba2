#pragma once

#include <fstream>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "interop/model_export.h"
#include "mae/v1/model.pb.h"
#include "server/transfer_folder.h"
#include "serving/model_store.h"

namespace mae {

/// The curves of a job, thinned, by metric: (step, value). Empty where nothing is known. Thread-safe.
using CurvesOfJob = std::function<Curves(const std::string& job)>;

/// The messages of one ExportModel call: makes the files in a folder of its own, then gives them piece by
/// piece. Blocks on the disk. Not thread-safe.
class ModelDownload {
 public:
  /// @param disk_reserve bytes that it leaves free on the disk.
  explicit ModelDownload(std::filesystem::path root, int64_t disk_reserve = 0)
      : root_(std::move(root)), disk_reserve_(disk_reserve) {}

  /// NOT_FOUND, INVALID_ARGUMENT (format), FAILED_PRECONDITION (no such model in the format),
  /// RESOURCE_EXHAUSTED (disk).
  absl::Status Prepare(const v1::ExportModelRequest& request, const ModelStore& store,
                       const CurvesOfJob& curves);

  /// The header, then the pieces. False: that was all.
  absl::StatusOr<bool> Next(v1::ExportModelResponse& response);

 private:
  /// Fills the header in from what the export made.
  absl::Status ListFiles();

  const std::filesystem::path root_;
  const int64_t disk_reserve_;
  TransferFolder folder_;
  v1::ExportModelResponse::Header header_;
  bool sent_header_ = false;
  int current_ = 0;   ///< index of the file that goes
  int64_t left_ = 0;  ///< bytes of it to go
  std::ifstream file_;
};

}  // namespace mae
