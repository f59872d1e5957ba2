#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "serving/model_version.h"
#include "serving/predictor.h"
#include "serving/serving_options.h"

namespace mae {

class Database;  // base/sqlite.h

/// A predictor and the version that it is of. The predictor stays usable for as long as it is held.
struct LoadedModel {
  ModelVersion version;
  std::shared_ptr<const Predictor> predictor;
};

/// Names, versions and aliases of models (in the server's database) and the predictors that are loaded.
/// Thread-safe. Torch-free header. Names match [a-z0-9][a-z0-9._-]{0,62}; others are INVALID_ARGUMENT.
class ModelStore {
 public:
  /// Also heals what a crash left: a publish whose folder had been moved is completed, one whose folder had
  /// not is forgotten (publish it again). A folder {root}/{model}/{n} that no row knows of (the database is
  /// of an older backup) is adopted if it holds a whole model, else left alone; its number is never given out
  /// again.
  /// @param database outlives the store; its tables are made if need be.
  /// @param mutex guards `database`, whose other users lock it too; never held over disk work besides
  /// SQLite's.
  /// @param root the models/ folder, on the file system of the folders to publish; made if need be.
  static absl::StatusOr<std::unique_ptr<ModelStore>> Create(Database& database, absl::Mutex& mutex,
                                                            std::filesystem::path root,
                                                            ServingOptions options);
  virtual ~ModelStore() = default;

  /// Moves a finished model folder in as the next version, all or nothing; `latest` and `aliases` move to it.
  /// Publishing the same job (card.job), or once it has moved the same folder, again gives the version that
  /// it already made, and moves nothing. NOT_FOUND if there is no such folder; INVALID_ARGUMENT for its
  /// config.json or card.json.
  virtual absl::StatusOr<ModelVersion> Publish(const std::filesystem::path& folder, const std::string& model,
                                               const std::vector<std::string>& aliases) = 0;

  /// "models/m/versions/3", "models/m@alias", "m@alias", "m" (@latest). NOT_FOUND names the nearest known
  /// name.
  virtual absl::StatusOr<ModelVersion> Resolve(const std::string& name) const = 0;
  virtual absl::StatusOr<ModelRecord> Get(const std::string& model) const = 0;
  /// Sorted by name.
  virtual absl::StatusOr<std::vector<ModelRecord>> List() const = 0;

  /// Resolve, then load if need be (blocks; two callers of one version load it once).
  virtual absl::StatusOr<LoadedModel> Acquire(const std::string& name) = 0;
  virtual bool IsLoaded(const ModelVersion& version) const = 0;
};

}  // namespace mae
