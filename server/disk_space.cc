#include "server/disk_space.h"

#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "base/status_macros.h"

namespace mae {

absl::Status CheckDiskSpace(const std::filesystem::path& folder, int64_t bytes, int64_t reserve) {
  MAE_ASSIGN_OR_RETURN(const int64_t free, FreeBytes(folder));
  if (bytes <= free - reserve) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the server's disk has ", free, " bytes free, of which ", reserve,
                   " are kept for jobs that run (disk.reserve_mib); ", bytes,
                   " are needed. Remove old jobs, models or datasets, or give it a larger disk"));
}

}  // namespace mae
