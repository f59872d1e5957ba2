#pragma once

#include "absl/status/status.h"
#include "interop/import_options.h"

namespace mae {

/// Whether each option that is there can be right, whatever the weights are: heads and sizes in range,
/// statistics finite, no class with an empty name. Pure. INVALID_ARGUMENT "num_heads: …", or the key of
/// the file that said it (ImportOptions::origins).
absl::Status CheckImportOptions(const ImportOptions& options);

}  // namespace mae
