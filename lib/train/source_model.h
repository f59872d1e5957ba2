#pragma once

#include "absl/status/statusor.h"
#include "options/train_options.h"

namespace mae {

/// The options with the encoder of the model that they start from, for kinds whose spec does not describe it
/// (linear_probe, knn_probe, evaluate): read from the config.json of from_weights. Others come back as they
/// are. NOT_FOUND or INVALID_ARGUMENT if there is no such model; names the field.
absl::StatusOr<JobOptions> WithSourceModel(JobOptions options);

}  // namespace mae
