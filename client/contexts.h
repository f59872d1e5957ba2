#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "absl/status/statusor.h"

namespace mae {

/// Where one server is and how to be let in. Empty: not set.
struct ServerContext {
  std::string server;  ///< HOST:PORT
  std::string token_file;
  std::string ca_file;
  std::string cert_file = {}, key_file = {};  ///< of a client certificate: both or none
};

/// The named servers of $XDG_CONFIG_HOME/mae/config.yaml, and which of them is in use. A value type.
///
///   current: lab
///   contexts:
///     lab: {server: gpu1:8500, token_file: /home/me/lab.token, ca_file: /home/me/lab.pem}
///     hub: {server: hub:8500, ca_file: hub.pem, cert_file: me.pem, key_file: me.key}
struct Contexts {
  std::string current;  ///< empty: none
  std::map<std::string, ServerContext> by_name;
};

/// $XDG_CONFIG_HOME/mae/config.yaml, or ~/.config/mae/config.yaml.
std::filesystem::path ContextsPath();

/// None if there is no file. INVALID_ARGUMENT names the file and the line or key at fault.
absl::StatusOr<Contexts> LoadContexts(const std::filesystem::path& path);

/// Makes the folder if need be and replaces the file, whole or not at all.
absl::Status SaveContexts(const Contexts& contexts, const std::filesystem::path& path);

}  // namespace mae
