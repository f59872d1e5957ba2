#pragma once

#include <string>

#include "absl/status/status.h"

namespace mae {

struct OverloadTrial {
  std::string server, model;
  double seconds = 10;   ///< each of the two measurements, after a warm-up
  double times = 10;     ///< what is sent, against what the server reached
  double deadline = 10;  ///< seconds that a call may take
};

/// Measures what the server reaches with 64 calls under way, then sends `times` as many calls a second,
/// whether they are answered or not, and prints how many were answered and how soon the others were refused.
/// FAILED_PRECONDITION if fewer are answered than 90 % of what the server reached, or the p99 of what a
/// refusal takes is above 50 ms.
absl::Status RunOverloadTrial(const OverloadTrial& trial);

}  // namespace mae
