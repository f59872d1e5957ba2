#pragma once

#include <string>

namespace mae {

/// Sends all log lines of this process to stderr. Call once, before the first thread.
/// @param level trace, debug, info, warning or error.
void LogToStderr(const std::string& level);

}  // namespace mae
