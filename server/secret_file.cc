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

bool IsOpenToOthers(const struct stat& facts) {
  const mode_t others = facts.st_uid == 0 ? S_IRWXO | S_IWGRP | S_IXGRP : S_IRWXO | S_IRWXG;
  return (facts.st_mode & others) != 0;
}

}  // namespace

absl::StatusOr<std::string> ReadSecretFile(const std::filesystem::path& path, const std::string& setting) {
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
  if (IsOpenToOthers(facts)) {
    return absl::FailedPreconditionError(
        absl::StrFormat("%s: %s may be read or changed by others than its owner (mode %04o): chmod 600 it",
                        setting, path.string(), facts.st_mode & 07777));
  }
  auto text = ReadDescriptor(fd, path, kMaxSecretBytes);
  if (!text.ok()) return named(text.status());
  if (!absl::StripAsciiWhitespace(*text).empty()) return text;
  return absl::FailedPreconditionError(absl::StrCat(setting, ": ", path.string(), " is empty"));
}

}  // namespace mae
