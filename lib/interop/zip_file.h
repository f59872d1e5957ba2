#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "absl/status/statusor.h"

namespace mae {

/// One file in a zip archive.
struct ZipEntry {
  int64_t begin = 0;  ///< of its bytes, in the archive
  int64_t bytes = 0;
  uint32_t crc32 = 0;
};

/// A zip archive whose entries are stored, not compressed, as torch.save writes them (zip64 too); see
/// PKWARE's APPNOTE. Torch-free. Not thread-safe.
///
/// Everything in the archive's directory is checked against the length of the file before it is used, and no
/// two entries may share bytes, so that all entries together are no longer than the file. Nothing is ever
/// extracted to a name that the archive gives.
class ZipFile {
 public:
  /// Reads the directory: at most 64 MiB and 100,000 entries. NOT_FOUND; INVALID_ARGUMENT with the entry and
  /// what is wrong: no zip (or of PyTorch before 1.6), compressed, encrypted, a name given twice, offsets or
  /// sizes beyond the file, entries that overlap.
  static absl::StatusOr<ZipFile> Open(const std::filesystem::path& path);

  const std::map<std::string, ZipEntry>& entries() const { return entries_; }
  int64_t bytes() const { return bytes_; }  ///< of the whole file

  /// Copies an entry to `to`, which has room for entry.bytes. DATA_LOSS if its checksum is another.
  absl::Status Read(const ZipEntry& entry, char* to);

 private:
  absl::Status ReadAt(int64_t offset, char* to, int64_t count);
  absl::Status ReadDirectory();
  absl::StatusOr<std::string> FindDirectory(int64_t& begin, int64_t& count);
  absl::Status AddEntries(const std::string& directory, int64_t begin, int64_t count);
  absl::StatusOr<int64_t> DataBegin(int64_t header, int64_t limit);
  absl::Status CheckOverlaps() const;

  std::ifstream file_;
  int64_t bytes_ = 0;
  std::map<std::string, ZipEntry> entries_;
};

}  // namespace mae
