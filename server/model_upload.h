#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "mae/v1/model.pb.h"
#include "server/transfer_folder.h"
#include "serving/model_store.h"

namespace mae {

/// The messages of one ImportModel call, taken in order into files of a folder of its own, and then
/// published. Nothing outside that folder is touched before Publish. Blocks on the disk. Not thread-safe.
class ModelUpload {
 public:
  static constexpr const char* kGivenUp = "the import was given up and nothing was published: send it again";

  /// @param root where its folder is made: on the models' file system.
  /// @param max_bytes of all files together.
  ModelUpload(std::filesystem::path root, int64_t max_bytes, int64_t disk_reserve = 0)
      : root_(std::move(root)), max_bytes_(max_bytes), disk_reserve_(disk_reserve) {}

  /// INVALID_ARGUMENT with the field at fault: options not first or twice, a name that is none
  /// (interop/model_import.h), more or fewer bytes than announced; RESOURCE_EXHAUSTED: larger than the limit
  /// or than the disk.
  absl::Status Take(const v1::ImportModelRequest& request);

  /// Reads the weights, writes a model folder, and publishes it. INVALID_ARGUMENT if bytes are missing;
  /// CANCELLED, with nothing published, if `is_cancelled` once the folder is written; or as ImportModelFiles
  /// and ModelStore::Publish say.
  absl::Status Publish(ModelStore& store, const std::function<bool()>& is_cancelled,
                       v1::ImportModelResponse& response);

 private:
  absl::Status TakeOptions(const v1::ImportOptions& options);
  absl::Status CheckFiles() const;
  absl::Status TakePiece(const v1::FilePiece& piece);
  /// Opens files until one has bytes to come: an empty one is whole at once.
  absl::Status OpenNext();
  absl::Status CheckWhole() const;
  absl::Status CheckDiskIfDue(int64_t bytes);
  int64_t AnnouncedBytes() const;

  const std::filesystem::path root_;
  const int64_t max_bytes_, disk_reserve_;
  TransferFolder folder_;
  bool has_options_ = false;
  v1::ImportOptions options_;
  int current_ = -1;       ///< index of the file that comes
  int64_t missing_ = 0;    ///< bytes of it to come
  int64_t unchecked_ = 0;  ///< that came since the disk was looked at
  std::ofstream file_;
};

}  // namespace mae
