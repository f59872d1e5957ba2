#pragma once

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"

namespace mae {

/// A folder of one transfer's own, removed with all in it when destroyed. Movable; not thread-safe.
class TransferFolder {
 public:
  /// Makes {root}/{number}, with root if need be; no two of one process are the same.
  static absl::StatusOr<TransferFolder> Make(const std::filesystem::path& root);
  TransferFolder() = default;
  TransferFolder(TransferFolder&& other) noexcept;
  TransferFolder& operator=(TransferFolder&& other) noexcept;
  ~TransferFolder();

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TransferFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;  ///< empty: none
};

}  // namespace mae
