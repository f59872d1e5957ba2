#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "server/server_config.h"

namespace mae {

/// Sets one setting from its text. Pure.
/// @param key "jobs.slots", "datasets.NAME".
/// @return INVALID_ARGUMENT "KEY: …" with the value and what is allowed; for an unknown key the nearest known
/// one.
absl::Status SetServerSetting(const std::string& key, const std::string& value, ServerConfig& config);

/// Every key but those of datasets, sorted.
std::vector<std::string> ServerSettingKeys();

}  // namespace mae
