#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "options/model_card.h"
#include "serving/predictor.h"

namespace mae {

class Database;  // base/sqlite.h

/// One published version.
struct ModelVersion {
  std::string model;
  int64_t version = 0;
  absl::Time created;
  std::filesystem::path folder;
  ModelConfig config;
  ModelCard card;
  std::string resource_name() const;  ///< models/{model}/versions/{n}
};

/// One model with all its versions, newest first, and its aliases (latest among them).
struct ModelRecord {
  std::string model;
  std::vector<ModelVersion> versions;
  std::map<std::string, int64_t> aliases;
};

/// A predictor and the version that it is of. The predictor stays usable for as long as it is held.
struct LoadedModel {
  ModelVersion version;
  std::shared_ptr<const Predictor> predictor;
};

/// Names, versions and aliases of models (in the server's database) and the predictors that are loaded.
/// Thread-safe. Torch-free header. Names match [a-z0-9][a-z0-9._-]{0,62}; others are INVALID_ARGUMENT.
class ModelStore {
 public:
  /// @param database outlives the store; its tables are made if need be.
  /// @param root the models/ folder.
  /// @param max_loaded predictors kept; the one used longest ago makes room.
  static absl::StatusOr<std::unique_ptr<ModelStore>> Create(Database& database, std::filesystem::path root,
                                                            std::string device, int64_t max_loaded);
  virtual ~ModelStore() = default;

  /// Moves a finished model folder in as the next version, all or nothing; `latest` and `aliases` move to it.
  /// Publishing the same job twice gives the version that it already made.
  virtual absl::StatusOr<ModelVersion> Publish(const std::filesystem::path& folder, const std::string& model,
                                               const std::vector<std::string>& aliases) = 0;

  /// "models/m/versions/3", "models/m@alias", "m@alias", "m" (@latest). NOT_FOUND names the nearest known name.
  virtual absl::StatusOr<ModelVersion> Resolve(const std::string& name) const = 0;
  virtual absl::StatusOr<ModelRecord> Get(const std::string& model) const = 0;
  /// Sorted by name.
  virtual absl::StatusOr<std::vector<ModelRecord>> List() const = 0;

  /// Resolve, then load if need be (blocks; two callers of one version load it once).
  virtual absl::StatusOr<LoadedModel> Acquire(const std::string& name) = 0;
  virtual bool IsLoaded(const ModelVersion& version) const = 0;
};

}  // namespace mae
