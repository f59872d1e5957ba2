#pragma once

#include <filesystem>
#include <memory>

#include "data/byte_source.h"

struct gzFile_s;  // zlib's

namespace mae {

/// A file read from start to end, gunzipped on the way if its content is gzip (whatever its name). zlib
/// checks the CRC of what it unpacks. Not thread-safe.
class GzFile : public ByteSource {
 public:
  /// NOT_FOUND, PERMISSION_DENIED, or INVALID_ARGUMENT if it is no regular file.
  static absl::StatusOr<GzFile> Open(const std::filesystem::path& path);

  const std::string& name() const override { return name_; }
  absl::StatusOr<int64_t> Read(absl::Span<uint8_t> out) override;

  /// INVALID_ARGUMENT if bytes are left, or if the gzip trailer is missing or contradicts what was read.
  absl::Status ExpectEnd();

  /// INVALID_ARGUMENT unless the content can have this size: for a plain file its exact size, for a gzip file
  /// at most what deflate can pack into it. `what` says what needs that size, for the error.
  absl::Status CheckSize(int64_t bytes, const std::string& what) const;

  int64_t bytes_on_disk() const { return bytes_on_disk_; }

 private:
  GzFile(gzFile_s* file, std::string name, int64_t bytes_on_disk);
  absl::Status Error() const;

  std::unique_ptr<gzFile_s, int (*)(gzFile_s*)> file_;
  std::string name_;
  int64_t bytes_on_disk_;
  bool compressed_;
};

}  // namespace mae
