#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace mae {

struct SoakTrial {
  std::string server, model;
  std::string job;       ///< one that trains
  int64_t pid = 0;       ///< of the server, on this machine
  double warm_up = 300;  ///< seconds before it is held against what it takes at the end
  double seconds = 600;  ///< and so many after them
  /// Calls a second, against what the server reaches: half a minute of each in turns.
  std::vector<double> times = {10, 1, 0.5};
  double deadline = 5;     ///< seconds that a call may take
  int64_t watchers = 200;  ///< streams of the job's events, of which some come and go each second
};

/// Sends a server `times` what it can answer while a job trains and is watched, and looks once a second
/// whether it answers a health check and what memory, descriptors and threads it holds; a line is printed
/// every half a minute. FAILED_PRECONDITION, with each reason, if a health check failed, an event was missed
/// or came twice, a stream broke, nothing was answered, a call ended in another way than an answer, a refusal
/// (RESOURCE_EXHAUSTED) or its deadline, or the server grew: at one of `times`, which it is held against
/// itself at, the median of the last quarter after the warm-up is above that of the first, by 5 % of memory,
/// 5 % and 8 of descriptors, or 2 threads; or the median time of the answers at one of `times` doubled from
/// the first half to the second.
absl::Status RunSoakTrial(const SoakTrial& trial);

}  // namespace mae
