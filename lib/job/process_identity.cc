#include "job/process_identity.h"

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/durable_file.h"
#include "base/status_macros.h"

namespace mae {
namespace {

struct ProcessStat {
  char state = 0;
  uint64_t start_ticks = 0;
};

// The command name in field 2 may hold spaces and brackets, so fields are counted from its last closing
// bracket.
absl::StatusOr<ProcessStat> ReadStat(pid_t pid) {
  // Not by a stream, which throws when the process goes between opening and reading.
  const absl::StatusOr<std::string> text = ReadFile(absl::StrCat("/proc/", pid, "/stat"));
  if (absl::IsNotFound(text.status())) return absl::NotFoundError(absl::StrCat("there is no process ", pid));
  MAE_RETURN_IF_ERROR(text.status());
  const size_t bracket = text->rfind(')');
  if (bracket == std::string::npos || bracket + 2 >= text->size()) {
    return absl::InternalError(absl::StrCat("/proc/", pid, "/stat has no state"));
  }
  const std::vector<std::string> fields = absl::StrSplit(text->substr(bracket + 2), ' ');
  constexpr size_t kState = 0, kStartTime = 19;
  ProcessStat stat;
  if (fields.size() <= kStartTime || !absl::SimpleAtoi(fields[kStartTime], &stat.start_ticks)) {
    return absl::InternalError(absl::StrCat("/proc/", pid, "/stat has no start time"));
  }
  stat.state = fields[kState].front();
  return stat;
}

}  // namespace

absl::StatusOr<ProcessIdentity> IdentifyProcess(pid_t pid) {
  MAE_ASSIGN_OR_RETURN(const ProcessStat stat, ReadStat(pid));
  return ProcessIdentity{pid, stat.start_ticks};
}

bool IsRunning(const ProcessIdentity& identity) {
  const absl::StatusOr<ProcessStat> stat = ReadStat(identity.pid);
  return stat.ok() && stat->start_ticks == identity.start_ticks && stat->state != 'Z' && stat->state != 'X';
}

}  // namespace mae
