#include "data/gz_file.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace mae {
namespace {

// The best that deflate can do (zlib's technical notes, "Maximum Compression Factor").
constexpr int64_t kMaxDeflateFactor = 1032;

constexpr unsigned kBufferBytes = 64 << 10;
constexpr int64_t kMaxBytesPerCall = int64_t{1} << 30;  // gzread counts in int

absl::StatusOr<int64_t> RegularFileSize(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    return absl::NotFoundError(absl::StrCat("no file '", path.string(), "'"));
  }
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("'", path.string(), "'"));
  if (status.type() != std::filesystem::file_type::regular) {
    return absl::InvalidArgumentError(absl::StrCat("'", path.string(), "' is not a regular file"));
  }
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("'", path.string(), "'"));
  return static_cast<int64_t>(size);
}

}  // namespace

GzFile::GzFile(gzFile file, std::string name, int64_t bytes_on_disk)
    : file_(file, &gzclose_r), name_(std::move(name)), bytes_on_disk_(bytes_on_disk) {
  gzbuffer(file, kBufferBytes);
  compressed_ = gzdirect(file) == 0;
}

absl::StatusOr<GzFile> GzFile::Open(const std::filesystem::path& path) {
  MAE_ASSIGN_OR_RETURN(const int64_t bytes, RegularFileSize(path));
  errno = 0;
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) {
    return absl::ErrnoToStatus(errno == 0 ? ENOMEM : errno,
                               absl::StrCat("cannot open '", path.string(), "'"));
  }
  return GzFile(file, path.string(), bytes);
}

absl::StatusOr<int64_t> GzFile::Read(absl::Span<uint8_t> out) {
  int64_t done = 0;
  const auto size = static_cast<int64_t>(out.size());
  while (done < size) {
    const auto wanted = static_cast<unsigned>(std::min(size - done, kMaxBytesPerCall));
    const int got = gzread(file_.get(), out.data() + done, wanted);
    if (got > 0) done += got;
    // A gzip file that stops in the middle gives what it has, and tells only by its error state.
    if (got < static_cast<int>(wanted)) {
      MAE_RETURN_IF_ERROR(Error());
      break;
    }
  }
  return done;
}

absl::Status GzFile::ExpectEnd() {
  uint8_t byte = 0;
  MAE_ASSIGN_OR_RETURN(const int64_t count, Read(absl::MakeSpan(&byte, 1)));
  if (count == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("'", name_, "' goes on after the end that its header gives"));
}

absl::Status GzFile::CheckSize(int64_t bytes, const std::string& what) const {
  const bool fits = compressed_ ? bytes / kMaxDeflateFactor <= bytes_on_disk_ : bytes == bytes_on_disk_;
  if (fits && bytes <= kMaxDatasetFileBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "'", name_, "' has ", bytes_on_disk_, compressed_ ? " compressed" : "", " bytes, but ", what,
      " would be ", bytes, " bytes", fits ? absl::StrCat(", over the limit of ", kMaxDatasetFileBytes) : ""));
}

absl::Status GzFile::Error() const {
  int code = Z_OK;
  const char* text = gzerror(file_.get(), &code);
  if (code == Z_OK || code == Z_STREAM_END) return absl::OkStatus();
  if (code == Z_ERRNO) return absl::InternalError(absl::StrCat("cannot read '", name_, "': ", text));
  return absl::InvalidArgumentError(absl::StrCat("'", name_, "' is damaged gzip data: ", text));
}

}  // namespace mae
