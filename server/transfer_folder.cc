#include "server/transfer_folder.h"

#include <atomic>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "base/system_error.h"

namespace mae {

absl::StatusOr<TransferFolder> TransferFolder::Make(const std::filesystem::path& root) {
  static std::atomic<int64_t> made = 0;
  TransferFolder folder(root / absl::StrCat(++made));
  std::error_code error;
  std::filesystem::create_directories(folder.path_, error);
  if (error) return SystemError("make folder", folder.path_, error.value());
  return folder;
}

TransferFolder::TransferFolder(TransferFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}

TransferFolder& TransferFolder::operator=(TransferFolder&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TransferFolder::~TransferFolder() {
  std::error_code ignored;  // The next start sweeps what is left.
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace mae
