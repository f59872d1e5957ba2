#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

struct evp_md_ctx_st;

/// Length and SHA-256 of content too large to hold in memory.
namespace mae {

struct FileDigest {
  int64_t bytes = 0;
  std::string sha256;  ///< hexadecimal, lower case

  bool operator==(const FileDigest&) const = default;
};

/// Takes content piece by piece. Not thread-safe.
class DigestStream {
 public:
  DigestStream();
  void Append(std::string_view bytes);
  /// The digest of everything appended; the stream is empty again afterwards.
  FileDigest Finish();

 private:
  std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
  int64_t bytes_ = 0;
};

enum class ReadThrough {
  kCache,   ///< as any reader
  kDevice,  ///< asks the system to forget its clean cached pages first, so that the bytes come from the disk
};

/// Reads the file once, a megabyte at a time. Errors of SystemError, naming the path.
absl::StatusOr<FileDigest> DigestFile(const std::filesystem::path& path,
                                      ReadThrough through = ReadThrough::kCache);

}  // namespace mae
