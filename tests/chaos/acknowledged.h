#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mae/v1/job.pb.h"

/// What a server has acknowledged, and so may never take back: what runs are checked against.
namespace mae {

/// Of something that an operation without an answer may have made or removed.
enum class Presence { kThere, kUnknown, kGone };

struct KnownJob {
  std::string name;
  v1::CreateJobRequest request;
  Presence presence = Presence::kThere;
  std::map<int64_t, v1::JobEvent> events;  ///< as watched, by sequence
  /// A resume had an error for an answer: a commit whose fsync failed may be there after the next start.
  bool may_be_resumed = false;
  bool must_not_run = false;     ///< a stop was acknowledged, and no resume was tried since
  std::optional<v1::Job> ended;  ///< as it was shown when it had ended; none once a resume is tried
  int64_t next_step = 1;         ///< of the metrics that its puppet trainer is told next
};

struct KnownVersion {
  Presence presence = Presence::kThere;
  std::string sha256;  ///< of its weights; empty: not seen yet
};

struct Acknowledged {
  std::vector<KnownJob> jobs;
  std::vector<v1::CreateJobRequest> unanswered_jobs;  ///< tried again with their request ids later
  std::map<std::pair<std::string, int64_t>, KnownVersion> versions;  ///< by model and number
  std::map<std::pair<std::string, std::string>, std::set<int64_t>>
      aliases;                     ///< what each may stand for; 0: nothing
  int64_t unanswered_imports = 0;  ///< of which each may have made a version
};

}  // namespace mae
