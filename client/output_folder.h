#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mae {

/// Where pictures are written. It is made with its first file, so that a refused request leaves none behind.
/// Not thread-safe.
class OutputFolder {
 public:
  /// Checks that the folder is there and can be written, or can be made; makes nothing. PERMISSION_DENIED
  /// with path and reason.
  static absl::StatusOr<OutputFolder> Plan(const std::filesystem::path& path);

  /// Writes (over) a file, into the folder, which is made with its parents if need be. `name` is a file name
  /// without folders. RESOURCE_EXHAUSTED or PERMISSION_DENIED with path and reason; half a file is removed.
  absl::Status Write(const std::string& name, absl::string_view content);

  /// A stem that this object has not given before: "shirt", then "shirt-2" for another folder's shirt.png.
  std::string UniqueStem(const std::string& stem);

  std::string PathOf(const std::string& name) const { return (path_ / name).string(); }

 private:
  explicit OutputFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
  std::set<std::string> stems_;
};

/// Writes one file, as OutputFolder::Write does.
absl::Status WriteOutputFile(const std::filesystem::path& path, absl::string_view content);

}  // namespace mae
