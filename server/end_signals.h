#pragma once

#include <csignal>
#include <functional>

/// How the server is told to end (SIGINT, SIGTERM) or to read its tokens and certificates again (SIGHUP): by
/// signals that the main thread waits for.
namespace mae {

/// Blocks the three signals. Call it before the first thread, so that every thread inherits it.
/// @return what WaitForEnd takes.
sigset_t BlockEndSignals();

/// Calls `reload` at every SIGHUP, and returns at the first of the others. A second one of those then ends
/// the process at once; a later SIGHUP does nothing.
void WaitForEnd(const sigset_t& signals, const std::function<void()>& reload);

}  // namespace mae
