#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

/// Files that survive power loss. Each call blocks on the disk. Errors name the path and the system's reason:
/// NOT_FOUND, PERMISSION_DENIED, RESOURCE_EXHAUSTED (disk, quota or file-size limit), else INTERNAL.
/// Thread-safe.
namespace mae {

/// Writes beside (path + ".tmp.PID.N"), fsyncs, renames over path, fsyncs the folder. On error the old file
/// is whole and the temporary one is gone (if the last step alone failed, the new file stands, whole, but may
/// not outlast power loss); a failed fsync is never retried on the same file.
absl::Status WriteFileDurably(const std::filesystem::path& path, std::string_view content);

/// Renames a finished file or folder (its content synced first) and fsyncs both parents.
absl::Status RenameDurably(const std::filesystem::path& from, const std::filesystem::path& to);

/// fsyncs a folder, so that the names in it last.
absl::Status SyncFolder(const std::filesystem::path& folder);

/// INVALID_ARGUMENT if larger than max_bytes.
absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path, int64_t max_bytes = int64_t{1} << 40);

/// Bytes that are free for this process on the disk of `folder`.
absl::StatusOr<int64_t> FreeBytes(const std::filesystem::path& folder);

/// SHA-256 of bytes, hexadecimal.
std::string Sha256Hex(std::string_view bytes);

/// An exclusive lock on a file (flock), held until destroyed or the process ends.
class FileLock {
 public:
  /// Makes the file if need be. FAILED_PRECONDITION if another process holds it.
  static absl::StatusOr<FileLock> Acquire(const std::filesystem::path& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace mae
