#include "serving/model_registry.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "base/nearest_word.h"
#include "base/status_macros.h"
#include "options/model_json.h"

namespace mae {
namespace {

// config and card are kept beside the files of the folder, so that listing touches no other disk page and a
// folder that went bad stays visible.
constexpr char kTables[] = R"(
  CREATE TABLE IF NOT EXISTS model_versions (
    model TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_micros INTEGER NOT NULL,
    config TEXT NOT NULL,
    card TEXT NOT NULL,
    job TEXT NOT NULL,
    source TEXT NOT NULL,
    announced_aliases TEXT,  -- NULL once confirmed
    PRIMARY KEY (model, version));
  CREATE TABLE IF NOT EXISTS model_aliases (
    model TEXT NOT NULL,
    alias TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (model, alias),
    FOREIGN KEY (model, version) REFERENCES model_versions (model, version));
  CREATE TABLE IF NOT EXISTS deleted_model_versions (
    model TEXT NOT NULL,
    version INTEGER NOT NULL,
    folder_gone INTEGER NOT NULL,
    PRIMARY KEY (model, version));
)";

constexpr std::string_view kMoveAlias =
    "INSERT INTO model_aliases (model, alias, version) VALUES (?1, ?2, ?3) "
    "ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version";

// A model whose rows can't be read, and that is asked for, is read no more often.
constexpr absl::Duration kReadAgainDelay = absl::Seconds(1);

constexpr size_t kMaxAliasesOfModel = 256;  // of a model, latest among them

constexpr std::string_view kSelectVersions =
    "SELECT model, version, created_micros, config, card FROM model_versions WHERE model = ?1 AND "
    "announced_aliases IS ";

// A publishing that was cut short must not undo later what somebody was told is done.
absl::Status StrikeAnnounced(Database& database, const std::string& model, const std::string& alias) {
  MAE_ASSIGN_OR_RETURN(auto strike,
                       database.Prepare("UPDATE model_versions SET announced_aliases = trim(replace(',' || "
                                        "announced_aliases || ',', ',' || ?2 || ',', ','), ',') "
                                        "WHERE model = ?1 AND announced_aliases IS NOT NULL"));
  return strike.Bind(1, model).Bind(2, alias).Run();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ModelRegistry>> ModelRegistry::Create(Database& database, absl::Mutex& mutex,
                                                                     std::filesystem::path root) {
  {
    const absl::MutexLock lock(&mutex);
    MAE_RETURN_IF_ERROR(database.Execute(kTables));
  }
  auto registry = std::unique_ptr<ModelRegistry>(new ModelRegistry(database, mutex, std::move(root)));
  MAE_RETURN_IF_ERROR(registry->ReadAll());
  return registry;
}

absl::Status ModelRegistry::ReadAll() {
  const absl::MutexLock lock(&mutex_);
  MAE_ASSIGN_OR_RETURN(
      auto row,
      database_.Prepare("SELECT DISTINCT model FROM model_versions WHERE announced_aliases IS NULL"));
  auto models = std::make_shared<ShownModels>();
  while (true) {
    MAE_ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) break;
    Put(row.Text(0), ReadModel(row.Text(0)), *models);
  }
  const absl::MutexLock shown_lock(&shown_mutex_);
  shown_ = std::move(models);
  return absl::OkStatus();
}

absl::Status ModelRegistry::Change(const std::string& model, const std::function<absl::Status()>& body) {
  const absl::Status changed = database_.Transaction(body);
  Show(model, ReadModel(model));  // of a failed one too: whether it was committed is not known
  return changed;
}

absl::StatusOr<ModelVersion> ModelRegistry::VersionOfRow(const Statement& row) const {
  ModelVersion version;
  version.model = row.Text(0);
  version.version = row.Int(1);
  version.created = absl::FromUnixMicros(row.Int(2));
  version.folder = root_ / version.model / std::to_string(version.version);
  MAE_ASSIGN_OR_RETURN(version.config, ModelConfigFromJson(row.Text(3)));
  MAE_ASSIGN_OR_RETURN(version.card, ModelCardFromJson(row.Text(4)));
  return version;
}

absl::StatusOr<std::optional<ModelVersion>> ModelRegistry::FindOrigin(const std::string& model,
                                                                      const Origin& origin, Row which) const {
  const absl::MutexLock lock(&mutex_);
  const bool by_job = !origin.job.empty();
  MAE_ASSIGN_OR_RETURN(
      auto row, database_.Prepare(absl::StrCat(std::string(kSelectVersions),
                                               which == Row::kConfirmed ? "NULL" : "NOT NULL", " AND ",
                                               by_job ? "job" : "source", " = ?2 ORDER BY version DESC")));
  row.Bind(1, model).Bind(2, by_job ? origin.job : origin.source);
  MAE_ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return std::nullopt;
  return VersionOfRow(row);
}

absl::Status ModelRegistry::Announce(const ModelVersion& version, const std::string& source,
                                     const std::vector<std::string>& aliases) {
  const absl::MutexLock lock(&mutex_);
  MAE_ASSIGN_OR_RETURN(auto insert,
                       database_.Prepare("INSERT INTO model_versions (model, version, created_micros, "
                                         "config, card, job, source, announced_aliases) "
                                         "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"));
  insert.Bind(1, version.model).Bind(2, version.version).Bind(3, absl::ToUnixMicros(version.created));
  insert.Bind(4, ModelConfigToJson(version.config)).Bind(5, ModelCardToJson(version.card));
  insert.Bind(6, version.card.job).Bind(7, source).Bind(8, absl::StrJoin(aliases, ","));
  return insert.Run();
}

absl::Status ModelRegistry::Confirm(const VersionKey& announced,
                                    const std::optional<std::vector<std::string>>& aliases) {
  const absl::MutexLock lock(&mutex_);
  return Change(announced.model, [&]() -> absl::Status {
    mutex_.AssertHeld();
    MAE_ASSIGN_OR_RETURN(auto row, database_.Prepare("SELECT announced_aliases FROM model_versions "
                                                     "WHERE model = ?1 AND version = ?2"));
    MAE_ASSIGN_OR_RETURN(const bool found, row.Bind(1, announced.model).Bind(2, announced.version).Step());
    const std::string noted = found ? row.Text(0) : "";
    MAE_ASSIGN_OR_RETURN(auto show, database_.Prepare("UPDATE model_versions SET announced_aliases = NULL "
                                                      "WHERE model = ?1 AND version = ?2"));
    MAE_RETURN_IF_ERROR(show.Bind(1, announced.model).Bind(2, announced.version).Run());
    const std::vector<std::string> names = absl::StrSplit(noted, ',', absl::SkipEmpty());
    for (const auto& alias : aliases.value_or(names)) {
      MAE_ASSIGN_OR_RETURN(auto move, database_.Prepare(kMoveAlias));
      MAE_RETURN_IF_ERROR(move.Bind(1, announced.model).Bind(2, alias).Bind(3, announced.version).Run());
    }
    return absl::OkStatus();
  });
}

absl::Status ModelRegistry::Withdraw(const VersionKey& announced) {
  const absl::MutexLock lock(&mutex_);
  MAE_ASSIGN_OR_RETURN(auto row,
                       database_.Prepare("DELETE FROM model_versions WHERE model = ?1 AND version = ?2 "
                                         "AND announced_aliases IS NOT NULL"));
  return row.Bind(1, announced.model).Bind(2, announced.version).Run();
}

absl::StatusOr<std::vector<ModelRegistry::VersionKey>> ModelRegistry::Unconfirmed() const {
  return KeysOf("SELECT model, version FROM model_versions WHERE announced_aliases IS NOT NULL");
}

absl::StatusOr<std::vector<ModelRegistry::VersionKey>> ModelRegistry::KeysOf(const std::string& query) const {
  const absl::MutexLock lock(&mutex_);
  MAE_ASSIGN_OR_RETURN(auto row, database_.Prepare(query));
  std::vector<VersionKey> keys;
  while (true) {
    MAE_ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return keys;
    keys.push_back({row.Text(0), row.Int(1)});
  }
}

absl::StatusOr<int64_t> ModelRegistry::HighestVersion(const std::string& model) const {
  const absl::MutexLock lock(&mutex_);
  MAE_ASSIGN_OR_RETURN(auto row,
                       database_.Prepare("SELECT COALESCE(MAX(version), 0) FROM "
                                         "(SELECT version FROM model_versions WHERE model = ?1 UNION ALL "
                                         "SELECT version FROM deleted_model_versions WHERE model = ?1)"));
  MAE_RETURN_IF_ERROR(row.Bind(1, model).Step().status());
  return row.Int(0);
}

absl::StatusOr<bool> ModelRegistry::Has(const std::string& model, int64_t version) const {
  const absl::MutexLock lock(&mutex_);
  MAE_ASSIGN_OR_RETURN(auto row,
                       database_.Prepare("SELECT 1 FROM model_versions WHERE model = ?1 AND version = ?2 "
                                         "UNION ALL SELECT 1 FROM deleted_model_versions "
                                         "WHERE model = ?1 AND version = ?2 AND folder_gone = 0"));
  return row.Bind(1, model).Bind(2, version).Step();
}

absl::Status ModelRegistry::SetAlias(const std::string& model, const std::string& alias, int64_t version) {
  const absl::MutexLock lock(&mutex_);
  return Change(model, [&]() -> absl::Status {
    mutex_.AssertHeld();
    MAE_ASSIGN_OR_RETURN(const auto record, ReadKnown(model));
    if (VersionIn(record, version) == nullptr) return NoSuchVersion(record, version);
    if (!record.aliases.contains(alias) && record.aliases.size() >= kMaxAliasesOfModel) {
      return absl::ResourceExhaustedError(absl::StrCat("alias: \"", model, "\" has ", record.aliases.size(),
                                                       " aliases, and ", kMaxAliasesOfModel,
                                                       " are allowed; remove one first"));
    }
    MAE_RETURN_IF_ERROR(StrikeAnnounced(database_, model, alias));
    MAE_ASSIGN_OR_RETURN(auto move, database_.Prepare(kMoveAlias));
    return move.Bind(1, model).Bind(2, alias).Bind(3, version).Run();
  });
}

absl::Status ModelRegistry::RemoveAlias(const std::string& model, const std::string& alias) {
  const absl::MutexLock lock(&mutex_);
  return Change(model, [&]() -> absl::Status {
    mutex_.AssertHeld();
    MAE_ASSIGN_OR_RETURN(const auto record, ReadKnown(model));
    if (!record.aliases.contains(alias)) return NoSuchAlias(record, alias);
    MAE_RETURN_IF_ERROR(StrikeAnnounced(database_, model, alias));
    MAE_ASSIGN_OR_RETURN(auto row,
                         database_.Prepare("DELETE FROM model_aliases WHERE model = ?1 AND alias = ?2"));
    return row.Bind(1, model).Bind(2, alias).Run();
  });
}

absl::Status ModelRegistry::Delete(const std::string& model, int64_t version) {
  const absl::MutexLock lock(&mutex_);
  return Change(model, [&]() -> absl::Status {
    mutex_.AssertHeld();
    MAE_ASSIGN_OR_RETURN(const auto record, ReadKnown(model));
    if (VersionIn(record, version) == nullptr) return NoSuchVersion(record, version);
    if (const auto aliases = AliasesOf(record, version); !aliases.empty()) {
      return absl::FailedPreconditionError(
          absl::StrCat("models/", model, "/versions/", version, " is what ", absl::StrJoin(aliases, ", "),
                       aliases.size() == 1 ? " stands" : " stand",
                       " for; set the alias to another version, or remove it, first"));
    }
    MAE_ASSIGN_OR_RETURN(auto note, database_.Prepare("INSERT OR REPLACE INTO deleted_model_versions "
                                                      "(model, version, folder_gone) VALUES (?1, ?2, 0)"));
    MAE_RETURN_IF_ERROR(note.Bind(1, model).Bind(2, version).Run());
    MAE_ASSIGN_OR_RETURN(auto row,
                         database_.Prepare("DELETE FROM model_versions WHERE model = ?1 AND version = ?2"));
    return row.Bind(1, model).Bind(2, version).Run();
  });
}

absl::StatusOr<std::vector<ModelRegistry::VersionKey>> ModelRegistry::Deletions() const {
  return KeysOf("SELECT model, version FROM deleted_model_versions WHERE folder_gone = 0");
}

absl::Status ModelRegistry::FinishDeletion(const VersionKey& deleted) {
  const absl::MutexLock lock(&mutex_);
  MAE_ASSIGN_OR_RETURN(auto row, database_.Prepare("UPDATE deleted_model_versions SET folder_gone = 1 "
                                                   "WHERE model = ?1 AND version = ?2"));
  return row.Bind(1, deleted.model).Bind(2, deleted.version).Run();
}

absl::StatusOr<std::shared_ptr<const ModelVersion>> ModelRegistry::Find(
    const ModelReference& reference) const {
  MAE_ASSIGN_OR_RETURN(const auto record, ShownOf(reference.model));
  int64_t wanted = reference.version;
  if (wanted == 0) {
    const auto it = record->aliases.find(reference.alias.empty() ? "latest" : reference.alias);
    if (it == record->aliases.end()) return NoSuchAlias(*record, reference.alias);
    wanted = it->second;
  }
  const ModelVersion* version = VersionIn(*record, wanted);
  if (version == nullptr) return NoSuchVersion(*record, wanted);
  return std::shared_ptr<const ModelVersion>(record, version);
}

absl::StatusOr<ModelRecord> ModelRegistry::Get(const std::string& model) const {
  MAE_ASSIGN_OR_RETURN(const auto record, ShownOf(model));
  return *record;
}

absl::StatusOr<ModelRecord> ModelRegistry::Read(const std::string& model) const {
  const absl::MutexLock lock(&mutex_);
  return ReadModel(model);
}

absl::StatusOr<std::vector<ModelRecord>> ModelRegistry::List() const {
  for (const auto& [model, shown] : *Known()) {
    if (!shown.failure.ok()) ReadAgain(model);
  }
  std::vector<ModelRecord> records;
  for (const auto& [model, shown] : *Known()) {
    if (shown.record == nullptr) return shown.failure;
    records.push_back(*shown.record);
  }
  return records;
}

std::shared_ptr<const ModelRegistry::ShownModels> ModelRegistry::Known() const {
  const absl::MutexLock lock(&shown_mutex_);
  return shown_;
}

absl::StatusOr<std::shared_ptr<const ModelRecord>> ModelRegistry::ShownOf(const std::string& model) const {
  auto models = Known();
  auto it = models->find(model);
  if (it != models->end() && !it->second.failure.ok()) {
    ReadAgain(model);
    models = Known();
    it = models->find(model);
  }
  if (it == models->end()) return NoSuchModel(model, *models);
  if (it->second.record == nullptr) return it->second.failure;
  return it->second.record;
}

void ModelRegistry::ReadAgain(const std::string& model) const {
  if (!mutex_.TryLock()) return;
  const auto models = Known();  // What another has read by now is not read again.
  const auto it = models->find(model);
  if (it != models->end() && !it->second.failure.ok() && absl::Now() >= it->second.read_again) {
    Show(model, ReadModel(model));
  }
  mutex_.Unlock();
}

void ModelRegistry::Put(const std::string& model, absl::StatusOr<ModelRecord> record, ShownModels& models) {
  if (record.ok() && record->versions.empty()) {
    models.erase(model);
  } else if (record.ok()) {
    models[model] = {std::make_shared<const ModelRecord>(*std::move(record)), absl::OkStatus()};
  } else {
    Shown& shown = models[model];
    if (!shown.failure.ok()) shown.read_again = absl::Now() + kReadAgainDelay;
    shown.failure = record.status();
  }
}

void ModelRegistry::Show(const std::string& model, absl::StatusOr<ModelRecord> record) const {
  const absl::MutexLock lock(&shown_mutex_);
  auto models = std::make_shared<ShownModels>(*shown_);
  Put(model, std::move(record), *models);
  shown_ = std::move(models);
}

absl::Status ModelRegistry::NoSuchModel(const std::string& model, const ShownModels& models) {
  std::vector<std::string> names;
  for (const auto& [name, shown] : models) names.push_back(name);
  return absl::NotFoundError(absl::StrCat("model: there is no \"", model, "\"", DidYouMean(model, names),
                                          names.empty() ? "; no model was published yet" : ""));
}

absl::StatusOr<ModelRecord> ModelRegistry::ReadKnown(const std::string& model) const {
  auto record = ReadModel(model);
  if (record.ok() && record->versions.empty()) return NoSuchModel(model, *Known());
  return record;
}

absl::StatusOr<ModelRecord> ModelRegistry::ReadModel(const std::string& model) const {
  ModelRecord record{model, {}, {}};
  MAE_ASSIGN_OR_RETURN(auto version, database_.Prepare(absl::StrCat(std::string(kSelectVersions),
                                                                    "NULL ORDER BY version DESC")));
  version.Bind(1, model);
  while (true) {
    MAE_ASSIGN_OR_RETURN(const bool more, version.Step());
    if (!more) break;
    MAE_ASSIGN_OR_RETURN(auto read, VersionOfRow(version));
    record.versions.push_back(std::move(read));
  }
  if (record.versions.empty()) return record;
  MAE_ASSIGN_OR_RETURN(auto alias,
                       database_.Prepare("SELECT alias, version FROM model_aliases WHERE model = ?1"));
  alias.Bind(1, model);
  while (true) {
    MAE_ASSIGN_OR_RETURN(const bool more, alias.Step());
    if (!more) break;
    record.aliases[alias.Text(0)] = alias.Int(1);
  }
  record.aliases["latest"] = record.versions.front().version;
  return record;
}

}  // namespace mae
