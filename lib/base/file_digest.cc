#include "base/file_digest.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/escaping.h"
#include "base/system_error.h"

namespace mae {

DigestStream::DigestStream() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
  EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
}

void DigestStream::Append(std::string_view bytes) {
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
  bytes_ += static_cast<int64_t>(bytes.size());
}

FileDigest DigestStream::Finish() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  EVP_DigestFinal_ex(context_.get(), digest, &length);
  EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  const absl::string_view raw(reinterpret_cast<const char*>(digest), length);
  return {std::exchange(bytes_, 0), absl::BytesToHexString(raw)};
}

absl::StatusOr<FileDigest> DigestFile(const std::filesystem::path& path, ReadThrough through) {
  const int fd = RetryInterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); });
  if (fd < 0) return SystemError("open", path, errno);
  absl::Cleanup close_file = [fd] { ::close(fd); };
  // Advice only: where the system can't follow it the digest is still that of the file.
  if (through == ReadThrough::kDevice) ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);

  DigestStream digest;
  std::vector<char> buffer(size_t{1} << 20);
  while (true) {
    const ssize_t got = RetryInterrupted([&] { return ::read(fd, buffer.data(), buffer.size()); });
    if (got < 0) return SystemError("read", path, errno);
    if (got == 0) return digest.Finish();
    digest.Append({buffer.data(), static_cast<size_t>(got)});
  }
}

}  // namespace mae
