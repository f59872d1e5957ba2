#include "server/audit_log.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/system_error.h"

namespace mae {
namespace {

constexpr mode_t kOwnerAlone = 0600;

std::string JsonLine(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

// The beginning of a text that takes no more than so many bytes in JSON.
std::string CutToJsonBytes(std::string text, size_t most) {
  constexpr size_t kLongestEscape = 6, kQuotesAndNewline = 3;
  while (true) {
    const size_t bytes = JsonLine(text).size() - kQuotesAndNewline;
    if (bytes <= most) return text;
    text.resize(text.size() - (bytes - most + kLongestEscape - 1) / kLongestEscape);
  }
}

nlohmann::ordered_json AuditJsonOf(const AuditRecord& record) {
  return {{"time", absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", record.time, absl::UTCTimeZone())},
          {"identity", record.identity},
          {"role", record.role},
          {"peer", record.peer},
          {"method", record.method},
          {"resource", CutToJsonBytes(record.resource, AuditLog::kMaxResourceBytes)},
          {"code", record.code},
          {"request_id", record.request_id}};
}

// The N of "audit.log.N"; nothing for another name.
std::optional<int64_t> NumberOfKept(const std::string& name, const std::string& log) {
  int64_t number = 0;
  absl::string_view rest = name;
  if (!absl::ConsumePrefix(&rest, log + ".") || rest.empty() || !absl::ascii_isdigit(rest.front()) ||
      !absl::SimpleAtoi(rest, &number))
    return std::nullopt;
  return number;
}

absl::Status CutLine(const std::filesystem::path& path) {
  return absl::ResourceExhaustedError(absl::StrCat(path.string(), " took a part of a line alone"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::Open(std::filesystem::path path, Settings settings) {
  std::unique_ptr<AuditLog> log(new AuditLog(std::move(path), settings));
  const absl::MutexLock lock(&log->mutex_);
  MAE_RETURN_IF_ERROR(log->OpenFile());
  log->RemoveBeyond(settings.keep_files);
  return log;
}

AuditLog::~AuditLog() {
  const absl::MutexLock lock(&mutex_);
  TellLeftOut(absl::InfiniteFuture());
  if (fd_ >= 0) close(fd_);
}

void AuditLog::RemoveBeyond(int64_t keep_files) const {
  std::error_code error;
  std::filesystem::directory_iterator entries(path_.parent_path(), error);
  for (const std::filesystem::directory_iterator end; !error && entries != end; entries.increment(error)) {
    const auto number = NumberOfKept(entries->path().filename(), path_.filename());
    if (!number || *number <= keep_files) continue;
    if (unlink(entries->path().c_str()) != 0)
      spdlog::warn("audit.log: {}", SystemError("remove", entries->path(), errno).ToString());
  }
}

absl::Status AuditLog::OpenFile() {
  fd_ = open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, kOwnerAlone);
  struct stat facts = {};
  if (fd_ < 0 || fchmod(fd_, kOwnerAlone) != 0 || fstat(fd_, &facts) != 0)
    return SystemError("open", path_, errno);
  bytes_ = facts.st_size;
  char last = '\n';
  if (bytes_ > 0 && RetryInterrupted([&] { return pread(fd_, &last, 1, bytes_ - 1); }) != 1)
    return SystemError("read", path_, errno);
  lacks_end_ = last != '\n';
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
  // A line that was cut off, as by power loss, stays by itself.
  const std::string text = absl::StrCat(lacks_end_ ? "\n" : "", absl::string_view(line.data(), line.size()));
  const ssize_t written = RetryInterrupted([&] { return write(fd_, text.data(), text.size()); });
  if (written < 0) return SystemError("write", path_, errno);
  const bool is_whole = written == static_cast<ssize_t>(text.size());
  if (!is_whole && ftruncate(fd_, bytes_) == 0) return CutLine(path_);
  bytes_ += written;
  lacks_end_ = !is_whole;
  return is_whole ? absl::OkStatus() : CutLine(path_);
}

void AuditLog::MustWrite(const std::string& line) {
  const absl::Status written = Write(line);
  if (!written.ok()) spdlog::error("audit.log: {}; the line is {}", written.ToString(), line);
}

bool AuditLog::LeavesOut(const AuditRecord& record) {
  if (record.code == "OK") return false;
  Failures& failures = failures_.try_emplace(record.identity, Failures{.first = record}).first->second;
  if (failures.written < kFailedPerSecond) {
    ++failures.written;
    return false;
  }
  ++failures.left_out;
  return true;
}

void AuditLog::TellLeftOut(absl::Time now) {
  for (auto it = failures_.begin(); it != failures_.end();) {
    const Failures& failures = it->second;
    const absl::Duration since = now - failures.first.time;
    // A clock that has gone back begins a new second too.
    if (since >= absl::ZeroDuration() && since < absl::Seconds(1)) {
      ++it;
      continue;
    }
    if (failures.left_out > 0) {
      nlohmann::ordered_json json = AuditJsonOf(
          {.time = failures.first.time, .identity = failures.first.identity, .role = failures.first.role});
      json["left_out"] = failures.left_out;
      MustWrite(JsonLine(json));
    }
    it = failures_.erase(it);
  }
}

void AuditLog::Append(const AuditRecord& record) {
  const absl::MutexLock lock(&mutex_);
  TellLeftOut(record.time);
  if (!LeavesOut(record)) MustWrite(JsonLine(AuditJsonOf(record)));
}

}  // namespace mae
