#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/model_requests.h"

namespace mae {

/// Reads how the Open Inference Protocol names a model: NAME, or NAME/classify, NAME/embed, NAME/reconstruct;
/// and its version: a number, an alias, or empty for the latest. Pure. INVALID_ARGUMENT with the field.
/// @param prefix of the request's fields name and version: "model_" or nothing.
absl::StatusOr<ModelQuery> ReadModelName(const std::string& prefix, std::string_view name,
                                         std::string_view version);

}  // namespace mae
