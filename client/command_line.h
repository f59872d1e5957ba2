#pragma once

namespace mae {

/// mae_client from its arguments to its exit status (client/exit_code.h): parses, runs one verb, prints what
/// failed to stderr. Global options may stand before or after the verb.
int RunCommandLine(int argc, const char* const* argv);

}  // namespace mae
