#pragma once

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"

namespace mae {

/// The content of a file that holds a secret, at most 1 MiB. Blocks on the disk. Thread-safe.
/// @param setting that names the file, as "auth.tokens"; begins each error.
/// @return FAILED_PRECONDITION if it is empty, or if others than its owner may read or change it (a file of
/// root may be read by its group too: so an orchestrator mounts secrets); NOT_FOUND or PERMISSION_DENIED with
/// the path.
absl::StatusOr<std::string> ReadSecretFile(const std::filesystem::path& path, const std::string& setting);

/// The same of a file that others may read, but not change: what it says is believed.
absl::StatusOr<std::string> ReadTrustedFile(const std::filesystem::path& path, const std::string& setting);

}  // namespace mae
