#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace mae {

/// "jobs/x" for "x" and for "jobs/x": people may leave the collection out. Likewise "models" and "datasets".
std::string ResourceName(absl::string_view collection, absl::string_view name);

/// "x" for "jobs/x", for tables.
std::string ShortName(absl::string_view name);

}  // namespace mae
