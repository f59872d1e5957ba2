#pragma once

#include <string>

#include "absl/status/status.h"
#include "client/session.h"

namespace CLI {
class App;
}

namespace mae {

struct WatchOptions {
  std::string job;                ///< {job} or jobs/{job}
  int64_t after = 0;              ///< only events above this sequence
  double reconnect_seconds = 60;  ///< how long to try again after the server went away
  std::string pictures;           ///< folder to save pictures in; empty: none
};

/// --watch and --reconnect-seconds, of a verb that sets a job going.
void AddFollowOptions(CLI::App* verb, bool& watch, double& reconnect_seconds);

/// Shows a job until it ends. OK when it SUCCEEDED, and when it was STOPPED: someone wanted that. ABORTED
/// with the job's error when it FAILED; CANCELLED on Ctrl-C, which leaves the job alone; else as
/// JobWatch::Run.
absl::Status WatchJob(Session& session, const WatchOptions& options);

}  // namespace mae
