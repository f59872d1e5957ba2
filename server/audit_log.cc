#include "server/audit_log.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/system_error.h"

namespace mae {
namespace {

constexpr mode_t kOwnerAlone = 0600;

std::string AuditLineOf(const AuditRecord& record) {
  const nlohmann::ordered_json json = {
      {"time", absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", record.time, absl::UTCTimeZone())},
      {"identity", record.identity},
      {"role", record.role},
      {"peer", record.peer},
      {"method", record.method},
      {"resource", record.resource},
      {"code", record.code},
      {"request_id", record.request_id}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::Open(std::filesystem::path path, Settings settings) {
  std::unique_ptr<AuditLog> log(new AuditLog(std::move(path), settings));
  const absl::MutexLock lock(&log->mutex_);
  MAE_RETURN_IF_ERROR(log->OpenFile());
  return log;
}

AuditLog::~AuditLog() {
  const absl::MutexLock lock(&mutex_);
  if (fd_ >= 0) close(fd_);
}

absl::Status AuditLog::OpenFile() {
  fd_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, kOwnerAlone);
  struct stat facts = {};
  if (fd_ < 0 || fchmod(fd_, kOwnerAlone) != 0 || fstat(fd_, &facts) != 0)
    return SystemError("open", path_, errno);
  bytes_ = facts.st_size;
  return absl::OkStatus();
}

std::filesystem::path AuditLog::Kept(int64_t number) const {
  return number == 0 ? path_ : std::filesystem::path(absl::StrCat(path_.string(), ".", number));
}

absl::Status AuditLog::Rotate() {
  close(fd_);
  fd_ = -1;
  for (int64_t number = settings_.keep_files; number > 0; --number) {
    if (std::rename(Kept(number - 1).c_str(), Kept(number).c_str()) != 0 && errno != ENOENT)
      return SystemError("rename", Kept(number - 1), errno);
  }
  if (settings_.keep_files == 0 && unlink(path_.c_str()) != 0) return SystemError("remove", path_, errno);
  return OpenFile();
}

absl::Status AuditLog::Write(std::string_view line) {
  if (fd_ < 0) MAE_RETURN_IF_ERROR(OpenFile());
  if (bytes_ > 0 && bytes_ + static_cast<int64_t>(line.size()) > settings_.max_bytes)
    MAE_RETURN_IF_ERROR(Rotate());
  const ssize_t written = RetryInterrupted([&] { return write(fd_, line.data(), line.size()); });
  if (written < 0) return SystemError("write", path_, errno);
  bytes_ += written;
  if (written == static_cast<ssize_t>(line.size())) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(path_.string(), " took a part of a line alone"));
}

void AuditLog::Append(const AuditRecord& record) {
  const std::string line = AuditLineOf(record);
  const absl::MutexLock lock(&mutex_);
  const absl::Status written = Write(line);
  if (!written.ok()) spdlog::error("audit.log: {}; the line is {}", written.ToString(), line);
}

}  // namespace mae
