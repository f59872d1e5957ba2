#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "data/dataset.h"
#include "server/trash_folder.h"

namespace mae {

/// "x" for "datasets/x" and for "x".
std::string DatasetShortName(std::string_view name);

/// A dataset as a listing shows it: a broken one stays visible, with its reason.
struct DatasetEntry {
  std::string name;  ///< without "datasets/"
  std::filesystem::path path;
  absl::StatusOr<DatasetInfo> info;
};

/// The image sets that jobs may name: those of the configuration, and each folder or archive below the
/// datasets folder, where the configuration's win over a folder of the same name. Folders may come and go
/// while the server runs. Thread-safe; every call may block on the disk, no lock is held meanwhile.
/// Torch-free.
class DatasetStore {
 public:
  /// @param configured name to folder or archive; they need not exist yet (List tells what is wrong).
  /// @param datasets_root its entries are datasets by their own names; need not exist.
  /// INVALID_ARGUMENT for a name that isn't [a-z0-9][a-z0-9._-]{0,62}.
  static absl::StatusOr<std::unique_ptr<DatasetStore>> Create(
      std::map<std::string, std::filesystem::path> configured, std::filesystem::path datasets_root);

  /// What is known of one. @param name "fashion-mnist" or "datasets/fashion-mnist".
  /// NOT_FOUND names the nearest known one; a dataset that can't be read gives the error of InspectDataset.
  absl::StatusOr<DatasetInfo> Find(std::string_view name) const;

  /// The same with the path, also where it can't be read. NOT_FOUND as Find.
  absl::StatusOr<DatasetEntry> FindEntry(std::string_view name) const;

  /// All, sorted by name.
  std::vector<DatasetEntry> List() const;

  const std::filesystem::path& root() const { return datasets_root_; }

  /// ALREADY_EXISTS if a dataset has this name, whether it can be read or not.
  absl::Status CheckFree(const std::string& name) const;

  /// Makes a folder, whose content is synced, the dataset info.name. ALREADY_EXISTS.
  /// @param info measured; its path is on the file system of the datasets folder, and gone afterwards.
  absl::StatusOr<DatasetEntry> Adopt(DatasetInfo info);

  /// Takes a dataset away, of a link the link alone; its files lie in the trash. NOT_FOUND as Find;
  /// FAILED_PRECONDITION if the configuration names it. @param name as Find.
  absl::Status Delete(std::string_view name);

  const TrashFolder& trash() const { return trash_; }

 private:
  // What was read of a dataset holds for as long as its archive, or its folder two levels down, is unchanged.
  struct Known {
    std::filesystem::path path;
    std::filesystem::file_time_type changed;
    DatasetInfo info;
  };

  DatasetStore(std::map<std::string, std::filesystem::path> configured, std::filesystem::path datasets_root)
      : configured_(std::move(configured)),
        datasets_root_(std::move(datasets_root)),
        trash_(datasets_root_ / ".deleted") {}

  absl::Status NoSuchDataset(std::string_view name) const;
  std::map<std::string, std::filesystem::path> Paths() const;
  absl::StatusOr<DatasetInfo> Inspect(const std::string& name, const std::filesystem::path& path) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  void Note(const std::string& name, const std::filesystem::path& path, const DatasetInfo& info)
      ABSL_LOCKS_EXCLUDED(mutex_);

  const std::map<std::string, std::filesystem::path> configured_;
  const std::filesystem::path datasets_root_;
  const TrashFolder trash_;
  mutable absl::Mutex mutex_;
  mutable std::map<std::string, Known> known_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mae
