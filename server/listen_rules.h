#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/server_config.h"

namespace mae {

/// Whether every address that HOST:PORT stands for is of the loopback interface. Asks the resolver.
bool IsLoopback(const std::string& address);

/// Whether callers are asked who they are.
bool AsksCallers(const ServerConfig& config);

/// Holds the settings of listen, metrics_listen, tls and auth against each other: who may come from elsewhere
/// must be asked who they are, over TLS, unless insecure_listen_for_everybody says otherwise; the metrics
/// port, which has no TLS, needs insecure_metrics_listen_for_everybody. Neither stands for the other.
/// @return warnings for the log, a line each; INVALID_ARGUMENT with the setting and what to do.
absl::StatusOr<std::vector<std::string>> CheckListenRules(const ServerConfig& config);

}  // namespace mae
