#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/sqlite.h"
#include "serving/model_name.h"
#include "serving/model_version.h"

namespace mae {

/// The rows of published models in the server's database: tables model_versions, model_aliases and
/// deleted_model_versions (docs/formats/model.md). A version is first announced, then confirmed once its
/// folder is in place; only confirmed ones are seen by Find, Get and List. `latest` is not a row: it is the
/// highest confirmed version.
///
/// Find, Get and List answer from memory: nobody else writes these tables, and each change reads its model
/// again. They wait for no disk, and for no other user of the database, but for one case: a model that can't
/// be read after a change stays for them as it was before, and whoever asks for it reads it again, if the
/// database is free, at most once a second. Everything else reads the database itself, and refuses to change
/// a model that can't be read. Thread-safe. Errors of SQLite as base/sqlite.h has them.
class ModelRegistry {
 public:
  /// Makes the tables if need be, and reads them. `database` and `mutex`, which guards it, outlive the
  /// registry.
  /// @param root the models/ folder; the folder of a version is {root}/{model}/{n}.
  static absl::StatusOr<std::unique_ptr<ModelRegistry>> Create(Database& database, absl::Mutex& mutex,
                                                               std::filesystem::path root);

  /// Where a version came from: what makes publishing twice give one version.
  struct Origin {
    std::string source;  ///< the folder it was moved from
    std::string job;     ///< that made it; empty: unknown
  };

  /// A version, by what it is known by.
  struct VersionKey {
    std::string model;
    int64_t version = 0;
  };

  enum class Row { kConfirmed, kAnnounced };

  /// The newest version of this origin: of the same job, or where that is empty of the same source.
  absl::StatusOr<std::optional<ModelVersion>> FindOrigin(const std::string& model, const Origin& origin,
                                                         Row row = Row::kConfirmed) const;

  /// Adds a row not yet seen, which `aliases` will move to, but for those that SetAlias or RemoveAlias
  /// changes before. ALREADY_EXISTS if there is that version.
  absl::Status Announce(const ModelVersion& version, const std::string& source,
                        const std::vector<std::string>& aliases);
  /// Shows an announced version and moves its aliases, in one transaction.
  /// @param aliases instead of those that were announced with it.
  absl::Status Confirm(const VersionKey& announced,
                       const std::optional<std::vector<std::string>>& aliases = std::nullopt);
  /// Removes an announced version.
  absl::Status Withdraw(const VersionKey& announced);
  /// Those that are announced only: a publish was cut short.
  absl::StatusOr<std::vector<VersionKey>> Unconfirmed() const;

  /// Moves or makes an alias. NOT_FOUND as Find; RESOURCE_EXHAUSTED if the model has too many.
  absl::Status SetAlias(const std::string& model, const std::string& alias, int64_t version);
  /// NOT_FOUND names the nearest alias.
  absl::Status RemoveAlias(const std::string& model, const std::string& alias);

  /// Forgets a version and notes, in the same transaction, that its folder is to go. NOT_FOUND as Find;
  /// FAILED_PRECONDITION names the aliases that stand for it.
  absl::Status Delete(const std::string& model, int64_t version);
  /// Those whose folders were not seen to be gone: a deletion was cut short.
  absl::StatusOr<std::vector<VersionKey>> Deletions() const;
  /// The folder has gone. The number stays known, so that it is never given out again.
  absl::Status FinishDeletion(const VersionKey& deleted);

  /// The highest version that there ever was, announced and deleted ones too; 0: none.
  absl::StatusOr<int64_t> HighestVersion(const std::string& model) const;
  /// Whether the folder belongs to a version, announced or not, or to a deletion that is not finished.
  absl::StatusOr<bool> Has(const std::string& model, int64_t version) const;

  /// NOT_FOUND names the nearest known model or alias, or the versions that are there.
  /// @return what was true when it was asked: it never changes.
  absl::StatusOr<std::shared_ptr<const ModelVersion>> Find(const ModelReference& reference) const;
  absl::StatusOr<ModelRecord> Get(const std::string& model) const;
  /// What is in the database now: for who is about to change it.
  /// @return without versions: there is no such model.
  absl::StatusOr<ModelRecord> Read(const std::string& model) const;
  /// Sorted by name.
  absl::StatusOr<std::vector<ModelRecord>> List() const;

 private:
  /// What is known of a model.
  struct Shown {
    std::shared_ptr<const ModelRecord> record;     ///< as it was read last; null: it never could be
    absl::Status failure;                          ///< not OK: what it is now could not be read
    absl::Time read_again = absl::InfinitePast();  ///< not before then, after a failure
  };
  using ShownModels = std::map<std::string, Shown>;

  ModelRegistry(Database& database, absl::Mutex& mutex, std::filesystem::path root)
      : root_(std::move(root)), mutex_(mutex), database_(database) {}

  /// The rows (model, version) of a query.
  absl::StatusOr<std::vector<VersionKey>> KeysOf(const std::string& query) const;
  absl::Status ReadAll() ABSL_LOCKS_EXCLUDED(mutex_);
  /// A transaction on the rows of one model, and what they are after it.
  absl::Status Change(const std::string& model, const std::function<absl::Status()>& body)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<ModelVersion> VersionOfRow(const Statement& row) const;
  absl::StatusOr<ModelRecord> ReadModel(const std::string& model) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  /// Likewise; NOT_FOUND as Find if there is no such model.
  absl::StatusOr<ModelRecord> ReadKnown(const std::string& model) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  /// The error of a name that is none of these models'.
  static absl::Status NoSuchModel(const std::string& model, const ShownModels& models);
  static void Put(const std::string& model, absl::StatusOr<ModelRecord> record, ShownModels& models);
  void Show(const std::string& model, absl::StatusOr<ModelRecord> record) const
      ABSL_LOCKS_EXCLUDED(shown_mutex_);
  std::shared_ptr<const ShownModels> Known() const ABSL_LOCKS_EXCLUDED(shown_mutex_);
  absl::StatusOr<std::shared_ptr<const ModelRecord>> ShownOf(const std::string& model) const;
  /// After a failure; unless the database is in use, by the caller too.
  void ReadAgain(const std::string& model) const;

  const std::filesystem::path root_;
  absl::Mutex& mutex_;
  Database& database_ ABSL_GUARDED_BY(mutex_);
  // Taken after mutex_, and never held while something is waited for or looked up: a change replaces the map.
  mutable absl::Mutex shown_mutex_;
  // Models that have a confirmed version.
  mutable std::shared_ptr<const ShownModels> shown_ ABSL_GUARDED_BY(shown_mutex_) =
      std::make_shared<const ShownModels>();
};

}  // namespace mae
