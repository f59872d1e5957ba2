#pragma once

#include <filesystem>

#include "absl/status/status.h"

namespace mae {

/// Folders that are on their way out: gone from their place at once and whole, however many files they have,
/// and removed when there is time. Thread-safe.
class TrashFolder {
 public:
  /// @param path on the file system of what is put in; made when it is needed.
  explicit TrashFolder(std::filesystem::path path) : path_(std::move(path)) {}

  /// Moves a folder or link here. Errors of RenameDurably; NOT_FOUND if it isn't there.
  absl::Status Put(const std::filesystem::path& entry) const;

  /// Removes what is here, also what a server before this one left: blocks on the disk, for long where there
  /// are many files. What can't be removed stays for the next time.
  void Empty() const;

 private:
  const std::filesystem::path path_;
};

}  // namespace mae
