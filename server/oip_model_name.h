#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/model_requests.h"

namespace mae {

/// Reads how the Open Inference Protocol names a model: NAME, NAME@ALIAS or NAME/versions/N, each also with
/// /classify, /embed or /reconstruct behind it and models/ before it; and its version: a number, an alias, or
/// empty for what the name says, else the latest. Pure. INVALID_ARGUMENT with the field, also where both name
/// a version.
/// @param prefix of the request's fields name and version: "model_" or nothing.
absl::StatusOr<ModelQuery> ReadModelName(const std::string& prefix, std::string_view name,
                                         std::string_view version);

/// Whether such a name or version says which version is meant.
bool NamesVersion(std::string_view name, std::string_view version);

}  // namespace mae
