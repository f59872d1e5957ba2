#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

/// How models are spoken of. Pure.
namespace mae {

/// A model and which version of it: `version` if it is not 0, else the one that `alias` stands for.
struct ModelReference {
  std::string model;
  int64_t version = 0;
  std::string alias;  ///< empty: neither version nor alias was named, which means latest where one is needed
  bool names_version() const { return version != 0 || !alias.empty(); }
};

/// Whether a model or alias may be called so: [a-z0-9][a-z0-9._-]{0,62}. INVALID_ARGUMENT "field: …" with the
/// name escaped and cut short: it may be anything.
absl::Status CheckName(std::string_view field, std::string_view name);

/// Whether an alias may be set: named as CheckName has it, not "latest", which always moves by itself, and
/// not of digits alone, which the Open Inference Protocol takes for a version's number. INVALID_ARGUMENT
/// "field: …".
absl::Status CheckAlias(std::string_view field, std::string_view alias);

/// Whether a version may be published under these aliases: CheckAlias for each, none twice, kMaxAliases of
/// them at most.
absl::Status CheckAliases(std::string_view field, const std::vector<std::string>& aliases);

/// Reads models/{model}/versions/{n}, models/{model}@{alias} or models/{model} (@latest); the prefix models/
/// may be left out. INVALID_ARGUMENT for anything else.
absl::StatusOr<ModelReference> ParseModelName(std::string_view name);

}  // namespace mae
