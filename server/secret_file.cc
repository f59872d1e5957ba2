#include "server/secret_file.h"

#include <sys/stat.h>

#include <cerrno>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/durable_file.h"
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
  struct stat facts = {};
  if (stat(path.c_str(), &facts) != 0) return named(SystemError("read", path, errno));
  if (!S_ISREG(facts.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(setting, ": ", path.string(), " is no file"));
  }
  if (IsOpenToOthers(facts)) {
    return absl::FailedPreconditionError(
        absl::StrFormat("%s: %s may be read or changed by others than its owner (mode %04o): chmod 600 it",
                        setting, path.string(), facts.st_mode & 07777));
  }
  auto text = ReadFile(path, kMaxSecretBytes);
  if (!text.ok()) return named(text.status());
  if (!absl::StripAsciiWhitespace(*text).empty()) return text;
  return absl::FailedPreconditionError(absl::StrCat(setting, ": ", path.string(), " is empty"));
}

}  // namespace mae
