#include "base/file_range.h"

#include <fcntl.h>
#include <unistd.h>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/system_error.h"

namespace mae {

absl::StatusOr<int64_t> ReadAt(int fd, int64_t offset, char* out, int64_t length,
                               const std::filesystem::path& path) {
  int64_t done = 0;
  while (done < length) {
    const ssize_t got = RetryInterrupted(
        [&] { return pread(fd, out + done, static_cast<size_t>(length - done), offset + done); });
    if (got < 0) return SystemError("read", path, errno);
    if (got == 0) break;
    done += got;
  }
  return done;
}

absl::StatusOr<std::string> ReadFileRange(const std::filesystem::path& path, int64_t offset, int64_t bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return SystemError("open", path, errno);
  const auto closer = absl::MakeCleanup([fd] { close(fd); });
  std::string text(static_cast<size_t>(bytes), '\0');
  MAE_ASSIGN_OR_RETURN(const int64_t got, ReadAt(fd, offset, text.data(), bytes, path));
  if (got == bytes) return text;
  return absl::InvalidArgumentError(
      absl::StrCat("'", path.string(), "' is cut off: ", got, " of ", bytes, " bytes at byte ", offset));
}

}  // namespace mae
