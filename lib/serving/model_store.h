#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "serving/alias_wish.h"
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

/// A version that was just published, or was before, and what became of the aliases that it asked for.
struct PublishedModel : ModelVersion {
  std::vector<AliasMove> aliases;
};

/// Names, versions and aliases of models (in the server's database) and the predictors that are loaded.
/// Thread-safe. Torch-free header. Names match [a-z0-9][a-z0-9._-]{0,62}; others are INVALID_ARGUMENT.
class ModelStore {
 public:
  /// Also heals what a crash left: a publish whose folder had been moved is completed, one whose folder had
  /// not is forgotten (publish it again), and what is left of a deleted version is removed. A folder
  /// {root}/{model}/{n} that no row knows of (the database is of an older backup) is adopted if it holds a
  /// whole model, else left alone; its number is never given out again.
  /// @param database outlives the store; its tables are made if need be.
  /// @param mutex guards `database`, whose other users lock it too; never held over disk work besides
  /// SQLite's.
  /// @param root the models/ folder, on the file system of the folders to publish; made if need be.
  static absl::StatusOr<std::unique_ptr<ModelStore>> Create(Database& database, absl::Mutex& mutex,
                                                            std::filesystem::path root,
                                                            ServingOptions options);
  virtual ~ModelStore() = default;

  /// Moves a finished model folder in as the next version, all or nothing; `latest` and the aliases of the
  /// wish that DecideAliases lets move to it. No alias moves between that decision and its deed. Where a
  /// version that gives way is in memory, the new one is brought there and runs once before (if it can be).
  /// One publish at a time, of all models: the next waits for that load and run too, the run half a minute at
  /// the most.
  /// Publishing the same job (card.job), or once it has moved the same folder, again gives the version that
  /// it already made, and moves nothing. NOT_FOUND if there is no such folder; INVALID_ARGUMENT for its
  /// config.json or card.json.
  virtual absl::StatusOr<PublishedModel> Publish(const std::filesystem::path& folder,
                                                 const std::string& model, const AliasWish& wish) = 0;

  /// "models/m/versions/3", "models/m@alias", "m@alias", "m" (@latest). NOT_FOUND names the nearest known
  /// name.
  absl::StatusOr<ModelVersion> Resolve(const std::string& name) const;
  /// Likewise, without a copy: what each request asks. From memory (ModelRegistry says when it is not). The
  /// version never changes.
  virtual absl::StatusOr<std::shared_ptr<const ModelVersion>> Find(const std::string& name) const = 0;
  virtual absl::StatusOr<ModelRecord> Get(const std::string& model) const = 0;
  /// Sorted by name.
  virtual absl::StatusOr<std::vector<ModelRecord>> List() const = 0;

  /// Moves an alias, or makes it, once the version is in memory and has run: what asks for the alias meets no
  /// cold model, and what runs meanwhile ends on the version that it began with. Version 0 removes the alias.
  /// INVALID_ARGUMENT "alias: …" (latest among them) or "version: …"; NOT_FOUND; errors of Load.
  virtual absl::Status SetAlias(const std::string& model, const std::string& alias, int64_t version,
                                const RequestContext& context) = 0;

  /// Removes a version for good; `latest` moves to the newest that is left. Requests that run on it end as
  /// they would have. NOT_FOUND; FAILED_PRECONDITION names the aliases that stand for it; INTERNAL if its
  /// folder can't be removed (it is no version any more; the next start tries again).
  virtual absl::Status Delete(const std::string& model, int64_t version) = 0;

  /// Resolve, then load if need be (blocks; two callers of one version load it once). RESOURCE_EXHAUSTED if
  /// memory runs out, or there is no room for the model (LeavesNoRoom of serving/predictor_cache.h tells).
  absl::StatusOr<LoadedModel> Acquire(const std::string& name);
  /// Of a version that was found. NOT_FOUND if it was deleted since.
  virtual absl::StatusOr<std::shared_ptr<const Predictor>> PredictorOf(const ModelVersion& version) = 0;
  /// Acquire, and a forward pass.
  /// @param pin whether it never makes room for others from now on; nothing: as it was.
  virtual absl::StatusOr<ModelVersion> Load(const std::string& name, std::optional<bool> pin,
                                            const RequestContext& context) = 0;
  /// Takes a version out of memory, pinned or not, and waits until the requests that run on it have ended.
  /// Later ones load it again. NOT_FOUND, DEADLINE_EXCEEDED, CANCELLED.
  virtual absl::StatusOr<ModelVersion> Unload(const std::string& name, const RequestContext& context) = 0;

  virtual bool IsLoaded(const ModelVersion& version) const = 0;
  virtual bool IsPinned(const ModelVersion& version) const = 0;
  /// A version that is in memory.
  struct InMemory {
    std::string model;
    int64_t version = 0;
  };
  virtual std::vector<InMemory> Loaded() const = 0;
  /// What the answers take that are kept to be given again.
  virtual int64_t CachedBytes() const = 0;
};

}  // namespace mae
