#include "client/output_folder.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace mae {

absl::StatusOr<OutputFolder> OutputFolder::Create(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return absl::PermissionDeniedError(absl::StrCat(path.string(), ": ", error.message()));
  return OutputFolder(path);
}

absl::Status OutputFolder::Write(const std::string& name, absl::string_view content) {
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
