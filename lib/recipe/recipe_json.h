#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "options/train_options.h"

/// spec.json of a job folder: the spec as protobuf JSON under "spec", and what the server resolved beside it
/// ("dataset_format", "dataset_path", "from_weights", "recipe"). Protobuf-free header: the trainer reads it.
namespace mae {

std::string JobOptionsToJson(const JobOptions& options);
/// INVALID_ARGUMENT names what is wrong.
absl::StatusOr<JobOptions> JobOptionsFromJson(const std::string& text);

}  // namespace mae
