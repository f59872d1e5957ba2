#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace mae {

/// One call that changed something, or tried to.
struct AuditRecord {
  absl::Time time = {};
  std::string identity = {};  ///< "anonymous" where the server asks nobody, "unknown" who is known no more
  std::string role = {};      ///< empty: likewise
  std::string peer = {};      ///< as gRPC names it
  std::string method = {};    ///< "mae.v1.JobService/CreateJob"
  std::string resource = {};  ///< the name in the request, or in the answer; empty: there is none
  std::string code = {};      ///< "OK", "NOT_FOUND", …
  std::string request_id = {};
};

/// The file audit.log: a JSON object a line, for the server's user alone. A full file becomes audit.log.1,
/// that one audit.log.2, and so on; the oldest goes. Lines outlive the process, those of the last seconds not
/// power loss. Thread-safe; Append blocks on the disk for a short write or a few.
///
/// Calls that fail cost their caller nothing, so that one could push the lines of others out by them: of each
/// identity a few a second are written, then a line that says how many more there were ("left_out"). What was
/// done is always written.
class AuditLog {
 public:
  static constexpr int64_t kFailedPerSecond = 5;    ///< of one identity
  static constexpr size_t kMaxResourceBytes = 256;  ///< as JSON has it, which escapes

  struct Settings {
    int64_t max_bytes = 0;   ///< of one file
    int64_t keep_files = 0;  ///< besides the one that is written
  };

  /// Goes on with the file of before, behind a line that it may lack the end of, and removes files beyond
  /// keep_files. PERMISSION_DENIED, RESOURCE_EXHAUSTED or INTERNAL with the path: a
  /// server that can't keep its log must not start.
  static absl::StatusOr<std::unique_ptr<AuditLog>> Open(std::filesystem::path path, Settings settings);
  ~AuditLog();

  /// What can't be written is told in the log of the server: the call has been made by then.
  void Append(const AuditRecord& record) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  AuditLog(std::filesystem::path path, Settings settings) : path_(std::move(path)), settings_(settings) {}
  // Of one identity, the failed calls of one second.
  struct Failures {
    AuditRecord first = {};
    int64_t written = 0, left_out = 0;
  };

  absl::Status OpenFile() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Rotate() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Write(std::string_view line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MustWrite(const std::string& line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  /// Whether the line of a failed call is one too many, which it counts then.
  bool LeavesOut(const AuditRecord& record) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  /// Writes what was left out in seconds that have passed, and forgets them.
  void TellLeftOut(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RemoveBeyond(int64_t keep_files) const;
  std::filesystem::path Kept(int64_t number) const;

  const std::filesystem::path path_;
  const Settings settings_;
  absl::Mutex mutex_;
  int fd_ ABSL_GUARDED_BY(mutex_) = -1;
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool lacks_end_ ABSL_GUARDED_BY(mutex_) = false;                    // the file ends in the middle of a line
  std::map<std::string, Failures> failures_ ABSL_GUARDED_BY(mutex_);  // by identity
};

}  // namespace mae
