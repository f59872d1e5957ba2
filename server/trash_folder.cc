#include "server/trash_folder.h"

#include <atomic>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/durable_file.h"
#include "base/system_error.h"

namespace mae {

namespace fs = std::filesystem;

absl::Status TrashFolder::Put(const fs::path& entry) const {
  static std::atomic<int64_t> put = 0;
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) return SystemError("make folder", path_, error.value());
  return RenameDurably(entry, path_ / absl::StrCat(absl::ToUnixNanos(absl::Now()), "-", ++put));
}

void TrashFolder::Empty() const {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator it(path_, error), end; !error && it != end; it.increment(error)) {
    entries.push_back(it->path());
  }
  for (const auto& entry : entries) fs::remove_all(entry, error);
}

}  // namespace mae
