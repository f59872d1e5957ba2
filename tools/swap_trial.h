#pragma once

#include <string>

#include "absl/status/status.h"

namespace mae {

struct SwapTrial {
  std::string server, model;  ///< a model with versions 1 and 2
  int64_t concurrency = 32;
  double seconds = 60, every = 1;  ///< the alias moves every so many seconds
};

/// Moves the alias `production` back and forth while calls ask for it, and prints how many calls there were,
/// how many failed, and whether each answer has, bit for bit, the logits of the version that it names. An
/// error if one failed or did not.
absl::Status RunSwapTrial(const SwapTrial& trial);

}  // namespace mae
