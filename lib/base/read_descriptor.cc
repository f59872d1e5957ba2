#include "base/read_descriptor.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/system_error.h"

namespace mae {
namespace {

absl::Status TooLarge(const std::filesystem::path& path, int64_t max_bytes) {
  return absl::InvalidArgumentError(
      absl::StrCat("file ", path.string(), " is larger than the ", max_bytes, " bytes allowed"));
}

}  // namespace

absl::StatusOr<std::string> ReadDescriptor(int fd, const std::filesystem::path& path, int64_t max_bytes) {
  struct stat info;
  if (::fstat(fd, &info) != 0) return SystemError("examine", path, errno);
  if (info.st_size > max_bytes) return TooLarge(path, max_bytes);

  // One byte more than the size says shows the end of the file; a file that grows, or in /proc has no size,
  // goes on.
  std::string content(static_cast<size_t>(info.st_size) + 1, '\0');
  size_t length = 0;
  while (true) {
    const ssize_t got =
        RetryInterrupted([&] { return ::read(fd, &content[length], content.size() - length); });
    if (got < 0) return SystemError("read", path, errno);
    if (got == 0) break;
    length += static_cast<size_t>(got);
    if (static_cast<int64_t>(length) > max_bytes) return TooLarge(path, max_bytes);
    if (length == content.size()) content.resize(content.size() * 2);
  }
  content.resize(length);
  return content;
}

}  // namespace mae
