#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "mae/v1/job.pb.h"

namespace mae {

/// What a start-… verb was asked for. Empty: not given.
struct StartOptions {
  std::string recipe;  ///< name of a built-in one, or a file: it ends in .yaml or .yml, or has a slash
  std::string dataset;
  std::string model;                   ///< to publish as
  std::string from;                    ///< MODEL[@ALIAS], of kinds that start from a model
  std::string launcher;                ///< local or slurm; empty: as the recipe says
  std::vector<std::string> overrides;  ///< "path.to.field=value", applied last
  std::string request_id;              ///< empty: a fresh UUID
  bool watch = false;
  bool dry_run = false;
  double reconnect_seconds = 60;
};

/// The spec that the options make. INVALID_ARGUMENT for a recipe or an override at fault, and for a recipe of
/// another kind (names its verb); NOT_FOUND for an unknown recipe.
absl::StatusOr<v1::JobSpec> SpecFrom(v1::JobSpec::KindCase kind, const StartOptions& options);

}  // namespace mae
