#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "server/server_config.h"

namespace mae {

/// Sets one setting from its text. Pure.
/// @param key "jobs.slots", "datasets.NAME", "auth.certificates.NAME".
/// @return INVALID_ARGUMENT "KEY: …" with the value and what is allowed; for an unknown key the nearest known
/// one.
absl::Status SetServerSetting(const std::string& key, const std::string& value, ServerConfig& config);

/// Whether a setting's text is values with commas between them, which YAML may write as a list.
bool TakesList(const std::string& key);

/// Every key but those of datasets and auth.certificates, sorted.
std::vector<std::string> ServerSettingKeys();

}  // namespace mae
