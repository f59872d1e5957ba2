#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace mae {

/// Runs a program of PATH to its end, without a shell, input from /dev/null.
/// @return what it printed on stdout. NOT_FOUND if there is no such program; DEADLINE_EXCEEDED (it is
/// killed); INTERNAL with the last words of its stderr if it ends otherwise than with 0; RESOURCE_EXHAUSTED
/// above a MiB.
absl::StatusOr<std::string> OutputOf(const std::vector<std::string>& arguments, absl::Duration patience);

}  // namespace mae
