#pragma once

#include <csignal>

/// How the server is told to end: SIGINT or SIGTERM, waited for by the main thread.
namespace mae {

/// Blocks the two signals. Call it before the first thread, so that every thread inherits it.
/// @return what WaitForEnd takes.
sigset_t BlockEndSignals();

/// Returns at the first of the signals. A second one then ends the process at once.
void WaitForEnd(const sigset_t& signals);

}  // namespace mae
