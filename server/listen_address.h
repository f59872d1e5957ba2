#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace mae {

/// The HOST of HOST:PORT, without the brackets of an IPv6 address. Pure.
std::string HostOf(absl::string_view address);

/// Whether this process could listen on an address now: binds and lets go again. Asked before anything is
/// made or started, so that a server that can't listen leaves nothing behind; another process may still be
/// faster.
/// @param address HOST:PORT; the host a name, IPv4 or [IPv6]; port 0 is any free one.
/// @param option of the command line that sets the address, as "--listen".
/// @return UNAVAILABLE with the option, the address, the system's reason and what to do.
absl::Status CheckCanListen(const std::string& address, const std::string& option);

}  // namespace mae
