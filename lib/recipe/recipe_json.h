#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "options/train_options.h"

/// spec.json of a job folder: the spec as protobuf JSON under "spec", and what the server resolved beside it
/// ("dataset_format", "dataset_path", "from_weights", "recipe"). Protobuf-free header: the trainer reads it.
/// Pure functions: no state, safe from any thread.
namespace mae {

/// The whole of `options`, so that JobOptionsFromJson gives them back unchanged: doubles keep every bit.
std::string JobOptionsToJson(const JobOptions& options);

/// INVALID_ARGUMENT names what is wrong: no JSON, a missing, unknown or mistyped key. The values themselves
/// are taken as they are; recipe/recipe_check.h held their limits before the file was written.
absl::StatusOr<JobOptions> JobOptionsFromJson(const std::string& text);

}  // namespace mae
