#pragma once

#include <atomic>

namespace mae {

/// Makes SIGTERM and SIGINT ask for a stop instead of ending the process; the flag is set by the first of
/// them and stays set. For the whole process: call it once, before anything that takes time, so that no early
/// signal is lost.
const std::atomic<bool>& InstallStopSignal();

}  // namespace mae
