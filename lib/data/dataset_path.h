#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace mae {

/// Whether a file may lie at a path below a dataset's folder, with '/' between folders: at most 1024 bytes of
/// UTF-8 without control characters, 8 folders deep, and no part of it empty or beginning with a dot.
/// INVALID_ARGUMENT with the path escaped and cut short: it may be anything. Pure.
absl::Status CheckDatasetPath(absl::string_view path);

/// INVALID_ARGUMENT unless a dataset may be called so: [a-z0-9][a-z0-9._-]{0,62}. Pure.
absl::Status CheckDatasetName(absl::string_view name);

}  // namespace mae
