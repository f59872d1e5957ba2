#pragma once

#include <filesystem>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/file_digest.h"

namespace mae {

/// Writes a file piece by piece that survives power loss and appears whole or not at all: WriteFileDurably
/// for content that should not be held in memory. Each call blocks on the disk. Errors of SystemError, naming
/// the path. Not thread-safe.
class DurableFileWriter {
 public:
  /// Begins a temporary file beside `path`, which is untouched until Commit.
  static absl::StatusOr<DurableFileWriter> Create(std::filesystem::path path);
  DurableFileWriter(DurableFileWriter&& other) noexcept;
  DurableFileWriter& operator=(DurableFileWriter&& other) noexcept;
  /// Removes the temporary file unless it was committed.
  ~DurableFileWriter();

  /// After an error the writer is of no use but to be destroyed.
  absl::Status Append(std::string_view bytes);

  /// Syncs, renames over `path`, syncs the folder. Call it once, last.
  /// @return what was written. FAILED_PRECONDITION after an error, or if already committed.
  absl::StatusOr<FileDigest> Commit();

 private:
  DurableFileWriter(std::filesystem::path path, std::filesystem::path temporary, int fd);
  absl::Status CheckOpen() const;
  /// Closes and removes the temporary file. @return `status`.
  absl::Status Abandon(absl::Status status);

  std::filesystem::path path_, temporary_;
  int fd_;  ///< -1: committed, abandoned or moved from
  DigestStream digest_;
};

/// Removes what writers that were killed left in a folder. Only for who knows that nobody writes there now.
/// What can't be removed stays; a folder that is not there has none.
void RemoveTemporaries(const std::filesystem::path& folder);

}  // namespace mae
