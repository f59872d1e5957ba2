#include "server/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/read_descriptor.h"
#include "base/system_error.h"

namespace mae {
namespace {

constexpr int64_t kMaxSecretBytes = 1 << 20;

// What others than its owner may not do with a file, and what mends it.
struct Forbidden {
  mode_t mode, mode_of_root;  ///< of the file of a user, and of root's
  const char* what;
  const char* mend;
};
constexpr Forbidden kToSeeOrChange = {S_IRWXO | S_IRWXG, S_IRWXO | S_IWGRP | S_IXGRP, "read or changed",
                                      "chmod 600"};
constexpr Forbidden kToChange = {S_IWOTH | S_IWGRP, S_IWOTH | S_IWGRP, "changed", "chmod go-w"};

absl::StatusOr<std::string> ReadGuarded(const std::filesystem::path& path, const std::string& setting,
                                        const Forbidden& forbidden) {
  const auto named = [&](const absl::Status& status) {
    return absl::Status(status.code(), absl::StrCat(setting, ": ", std::string(status.message())));
  };
  // What is looked at is what is read, whatever the name stands for by then. A pipe must not hold us up.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return named(SystemError("read", path, errno));
  const absl::Cleanup close_file = [fd] { close(fd); };
  struct stat facts = {};
  if (fstat(fd, &facts) != 0) return named(SystemError("read", path, errno));
  if (!S_ISREG(facts.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(setting, ": ", path.string(), " is no file"));
  }
  if ((facts.st_mode & (facts.st_uid == 0 ? forbidden.mode_of_root : forbidden.mode)) != 0) {
    return absl::FailedPreconditionError(
        absl::StrFormat("%s: %s may be %s by others than its owner (mode %04o): %s it", setting,
                        path.string(), forbidden.what, facts.st_mode & 07777, forbidden.mend));
  }
  auto text = ReadDescriptor(fd, path, kMaxSecretBytes);
  if (!text.ok()) return named(text.status());
  if (!absl::StripAsciiWhitespace(*text).empty()) return text;
  return absl::FailedPreconditionError(absl::StrCat(setting, ": ", path.string(), " is empty"));
}

}  // namespace

absl::StatusOr<std::string> ReadSecretFile(const std::filesystem::path& path, const std::string& setting) {
  return ReadGuarded(path, setting, kToSeeOrChange);
}

absl::StatusOr<std::string> ReadTrustedFile(const std::filesystem::path& path, const std::string& setting) {
  return ReadGuarded(path, setting, kToChange);
}

}  // namespace mae
