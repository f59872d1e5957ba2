#pragma once

#include <string>

namespace mae {

/// Sends all log lines of this process to stderr. Call once, before the first thread.
/// @param level trace, debug, info, warning or error. @param format text, or json (base/log_lines.h).
void LogToStderr(const std::string& level, const std::string& format);

}  // namespace mae
