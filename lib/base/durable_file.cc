#include "base/durable_file.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/durable_file_writer.h"
#include "base/read_descriptor.h"
#include "base/status_macros.h"
#include "base/system_error.h"

namespace mae {
namespace {

int OpenFile(const std::filesystem::path& path, int flags) {
  constexpr mode_t kMode = 0644;
  return RetryInterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, kMode); });
}

std::filesystem::path ParentOf(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

absl::Status WriteFileDurably(const std::filesystem::path& path, std::string_view content) {
  MAE_ASSIGN_OR_RETURN(DurableFileWriter writer, DurableFileWriter::Create(path));
  MAE_RETURN_IF_ERROR(writer.Append(content));
  return writer.Commit().status();
}

absl::Status RenameDurably(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) {
    return SystemError(absl::StrCat("rename ", from.string(), " to"), to, errno);
  }
  MAE_RETURN_IF_ERROR(SyncFolder(ParentOf(to)));
  return ParentOf(from) == ParentOf(to) ? absl::OkStatus() : SyncFolder(ParentOf(from));
}

absl::Status SyncFolder(const std::filesystem::path& folder) {
  const int fd = OpenFile(folder, O_RDONLY | O_DIRECTORY);
  if (fd < 0) return SystemError("open folder", folder, errno);
  absl::Cleanup close_folder = [fd] { ::close(fd); };
  return ::fsync(fd) == 0 ? absl::OkStatus() : SystemError("sync folder", folder, errno);
}

absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path, int64_t max_bytes) {
  const int fd = OpenFile(path, O_RDONLY);
  if (fd < 0) return SystemError("open", path, errno);
  absl::Cleanup close_file = [fd] { ::close(fd); };
  return ReadDescriptor(fd, path, max_bytes);
}

absl::StatusOr<int64_t> FreeBytes(const std::filesystem::path& folder) {
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (error) return SystemError("examine the disk of", folder, error.value());
  return static_cast<int64_t>(std::min<uintmax_t>(space.available, INT64_MAX));
}

std::string Sha256Hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &length, EVP_sha256(), nullptr);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), length));
}

absl::StatusOr<FileLock> FileLock::Acquire(const std::filesystem::path& path) {
  const int fd = OpenFile(path, O_RDWR | O_CREAT);
  if (fd < 0) return SystemError("open lock file", path, errno);
  FileLock lock(fd);
  if (RetryInterrupted([fd] { return ::flock(fd, LOCK_EX | LOCK_NB); }) == 0) return lock;
  if (errno != EWOULDBLOCK) return SystemError("lock", path, errno);
  return absl::FailedPreconditionError(
      absl::StrCat(path.string(), " is locked: another process uses it; stop that one first"));
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace mae
