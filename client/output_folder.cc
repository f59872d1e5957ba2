#include "client/output_folder.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace mae {
namespace {

// The path itself, or the closest of the folders above it; "." for a relative path of which nothing exists.
std::filesystem::path NearestThatExists(std::filesystem::path path) {
  std::error_code ignored;  // What can't be looked at is found out by the folder above it.
  while (path.has_relative_path() && !std::filesystem::exists(path, ignored)) path = path.parent_path();
  return path.empty() ? "." : path;
}

}  // namespace

absl::StatusOr<OutputFolder> OutputFolder::Plan(const std::filesystem::path& path) {
  const std::filesystem::path nearest = NearestThatExists(path);
  std::error_code error;
  const bool is_folder = std::filesystem::is_directory(nearest, error);
  if (!is_folder) {
    return absl::PermissionDeniedError(
        absl::StrCat(path.string(), ": ", nearest.string(), " is in the way, it is no folder"));
  }
  if (access(nearest.c_str(), W_OK | X_OK) == 0) return OutputFolder(path);
  return absl::PermissionDeniedError(
      absl::StrCat(path.string(), ": can't write in ", nearest.string(), ": ", std::strerror(errno)));
}

absl::Status OutputFolder::Write(const std::string& name, absl::string_view content) {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) return absl::PermissionDeniedError(absl::StrCat(path_.string(), ": ", error.message()));
  return WriteOutputFile(path_ / name, content);
}

std::string OutputFolder::UniqueStem(const std::string& stem) {
  std::string unique = stem;
  for (int n = 2; !stems_.insert(unique).second; ++n) unique = absl::StrCat(stem, "-", n);
  return unique;
}

absl::Status WriteOutputFile(const std::filesystem::path& path, absl::string_view content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!file) return absl::PermissionDeniedError(absl::StrCat(path.string(), ": ", std::strerror(errno)));
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  if (file) return absl::OkStatus();
  const std::string reason = std::strerror(errno);
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  return absl::ResourceExhaustedError(absl::StrCat(path.string(), ": ", reason));
}

}  // namespace mae
