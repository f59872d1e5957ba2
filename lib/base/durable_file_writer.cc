#include "base/durable_file_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "base/system_error.h"

namespace mae {
namespace {

// The counter keeps two threads that write the same path out of each other's file.
std::filesystem::path TemporaryBeside(const std::filesystem::path& path) {
  static std::atomic<int64_t> calls = 0;
  return absl::StrCat(path.string(), ".tmp.", getpid(), ".", calls.fetch_add(1));
}

// NAME.tmp.PID.N
bool IsTemporary(const std::string& name) {
  const std::vector<std::string> parts = absl::StrSplit(name, '.');
  const auto is_number = [](const std::string& part) {
    return !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
  };
  const size_t count = parts.size();
  return count >= 4 && parts[count - 3] == "tmp" && is_number(parts[count - 2]) &&
         is_number(parts[count - 1]);
}

}  // namespace

void RemoveTemporaries(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> temporaries;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (IsTemporary(it->path().filename())) temporaries.push_back(it->path());
  }
  for (const auto& path : temporaries) std::filesystem::remove(path, error);
}

absl::StatusOr<DurableFileWriter> DurableFileWriter::Create(std::filesystem::path path) {
  std::filesystem::path temporary = TemporaryBeside(path);
  constexpr mode_t kMode = 0644;
  const int fd = RetryInterrupted(
      [&] { return ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode); });
  if (fd < 0) return SystemError("create", temporary, errno);
  return DurableFileWriter(std::move(path), std::move(temporary), fd);
}

DurableFileWriter::DurableFileWriter(std::filesystem::path path, std::filesystem::path temporary, int fd)
    : path_(std::move(path)), temporary_(std::move(temporary)), fd_(fd) {}

DurableFileWriter::DurableFileWriter(DurableFileWriter&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::exchange(other.fd_, -1)),
      digest_(std::move(other.digest_)) {}

DurableFileWriter& DurableFileWriter::operator=(DurableFileWriter&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  std::swap(fd_, other.fd_);
  std::swap(digest_, other.digest_);
  return *this;
}

DurableFileWriter::~DurableFileWriter() { (void)Abandon(absl::OkStatus()); }

absl::Status DurableFileWriter::Append(std::string_view bytes) {
  MAE_RETURN_IF_ERROR(CheckOpen());
  digest_.Append(bytes);
  while (!bytes.empty()) {
    const ssize_t written = RetryInterrupted([&] { return ::write(fd_, bytes.data(), bytes.size()); });
    if (written < 0) return Abandon(SystemError("write", temporary_, errno));
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::StatusOr<FileDigest> DurableFileWriter::Commit() {
  MAE_RETURN_IF_ERROR(CheckOpen());
  // Not tried again: after a failed fsync the system may have dropped the pages, and a second one would
  // succeed falsely.
  if (::fsync(fd_) != 0) return Abandon(SystemError("sync", temporary_, errno));
  if (::close(std::exchange(fd_, -1)) != 0) return Abandon(SystemError("close", temporary_, errno));
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return Abandon(SystemError("rename to", path_, errno));
  }
  temporary_.clear();
  MAE_RETURN_IF_ERROR(SyncFolder(path_.has_parent_path() ? path_.parent_path() : "."));
  return digest_.Finish();
}

absl::Status DurableFileWriter::CheckOpen() const {
  if (fd_ >= 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(path_.string(), ": already committed, or an earlier write failed; begin a new writer"));
}

absl::Status DurableFileWriter::Abandon(absl::Status status) {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
  return status;
}

}  // namespace mae
