#include "serving/model_store.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "base/system_error.h"
#include "options/model_json.h"
#include "serving/model_name.h"
#include "serving/model_registry.h"
#include "serving/predictor_cache.h"
#include "serving/warm_up.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

// Each model that is in memory has at most batch.max_running forward passes waiting for a thread.
constexpr int kMaxForwardsWaiting = 4096;
// A version that takes over while its model is busy is not warmed for longer than this.
const absl::Duration kWarmUpPatience = absl::Seconds(30);
constexpr int64_t kMaxJsonBytes = int64_t{16} << 20;

// The number that a folder's name is, or 0.
int64_t NumberOf(const fs::path& folder) {
  const std::string name = folder.filename();
  int64_t number = 0;
  const bool digits = name.find_first_not_of("0123456789") == std::string::npos && name[0] != '0';
  return digits && absl::SimpleAtoi(name, &number) ? number : 0;
}

// What a model takes in memory is about what its weights take on the disk.
int64_t WeightBytes(const fs::path& folder) {
  std::error_code error;
  const auto bytes = fs::file_size(folder / "model.safetensors", error);
  return error ? 0 : static_cast<int64_t>(bytes);  // the load will tell
}

std::vector<fs::path> FoldersIn(const fs::path& parent) {
  std::vector<fs::path> folders;
  std::error_code error, ignored;  // what can't be looked at is no folder of ours
  for (fs::directory_iterator it(parent, error), end; !error && it != end; it.increment(error)) {
    if (it->is_directory(ignored)) folders.push_back(it->path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

absl::Status MakeFolder(const fs::path& folder) {
  std::error_code error;
  const bool made = fs::create_directories(folder, error);
  if (error) return absl::InternalError(absl::StrCat(folder.string(), ": ", error.message()));
  return made ? SyncFolder(folder.parent_path()) : absl::OkStatus();
}

// So that an entry that was removed does not come back. Nothing to do if the folder around it has gone too.
absl::Status SyncParent(const fs::path& entry) {
  const absl::Status synced = SyncFolder(entry.parent_path());
  return absl::IsNotFound(synced) ? absl::OkStatus() : synced;
}

// What a model folder says of itself.
absl::StatusOr<ModelVersion> ReadVersion(const fs::path& folder) {
  ModelVersion version;
  MAE_ASSIGN_OR_RETURN(const auto config, ReadFile(folder / "config.json", kMaxJsonBytes));
  MAE_ASSIGN_OR_RETURN(version.config, ModelConfigFromJson(config));
  MAE_ASSIGN_OR_RETURN(const auto card, ReadFile(folder / "card.json", kMaxJsonBytes));
  MAE_ASSIGN_OR_RETURN(version.card, ModelCardFromJson(card));
  std::error_code error;
  if (fs::is_regular_file(folder / "model.safetensors", error)) return version;
  return absl::NotFoundError(
      absl::StrCat((folder / "model.safetensors").string(), ": there is no such file"));
}

class SqliteModelStore : public ModelStore {
 public:
  SqliteModelStore(std::unique_ptr<ModelRegistry> registry, fs::path root, ServingOptions options)
      : registry_(std::move(registry)),
        root_(std::move(root)),
        options_(std::move(options)),
        forward_threads_(static_cast<int>(options_.forward_threads), kMaxForwardsWaiting),
        answers_(std::make_shared<ResponseCache>(options_.cache_bytes)),
        cache_(
            {options_.max_loaded, options_.max_bytes},
            [this](const std::string& folder) { return LoadPredictor(folder); }, WeightBytes) {}

  absl::Status Heal() {
    MAE_RETURN_IF_ERROR(FinishEarlier(std::nullopt, std::nullopt).status());
    MAE_ASSIGN_OR_RETURN(const auto deletions, registry_->Deletions());
    for (const auto& deleted : deletions) MAE_RETURN_IF_ERROR(TryRemoveFolder(deleted));
    for (const auto& model : FoldersIn(root_)) {
      for (const auto& folder : FoldersIn(model))
        MAE_RETURN_IF_ERROR(AdoptIfUnknown(model.filename(), folder));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<PublishedModel> Publish(const fs::path& folder, const std::string& model,
                                         const AliasWish& wish) override {
    MAE_RETURN_IF_ERROR(CheckName("publish.model", model));
    MAE_RETURN_IF_ERROR(CheckAliases("publish.aliases", wish.aliases));
    const absl::MutexLock one(&publishing_);
    // Relative to the data folder, so that the answer stays the same when that is moved.
    const std::string source = folder.lexically_normal().lexically_relative(root_.parent_path());
    auto version = ReadVersion(folder);
    const std::string job = version.ok() ? version->card.job : "";
    // Without a job's name an existing folder is a new model, even if one came from this place before.
    const bool can_be_known = !version.ok() || !job.empty();
    const ModelRegistry::Origin origin{source, job};
    MAE_ASSIGN_OR_RETURN(const auto begun,
                         FinishEarlier(model, can_be_known ? std::optional(origin) : std::nullopt));
    if (begun.has_value()) return Show(*begun, wish);
    MAE_ASSIGN_OR_RETURN(const auto earlier, registry_->FindOrigin(model, origin));
    if (earlier.has_value() && can_be_known) {
      MAE_ASSIGN_OR_RETURN(const auto record, registry_->Read(model));
      return PublishedModel{*earlier, AliasesNow(wish, *earlier, record)};
    }
    MAE_RETURN_IF_ERROR(version.status());
    version->model = model;
    version->created = absl::Now();
    MAE_ASSIGN_OR_RETURN(version->version, NextVersion(model));
    version->folder = root_ / model / std::to_string(version->version);
    MAE_RETURN_IF_ERROR(MoveIn(*version, folder, source, wish));
    return Show(*version, wish);
  }

  absl::StatusOr<std::shared_ptr<const ModelVersion>> Find(const std::string& name) const override {
    MAE_ASSIGN_OR_RETURN(const auto reference, ParseModelName(name));
    return registry_->Find(reference);
  }

  absl::StatusOr<ModelRecord> Get(const std::string& model) const override {
    MAE_RETURN_IF_ERROR(CheckName("model", model));
    return registry_->Get(model);
  }

  absl::StatusOr<std::vector<ModelRecord>> List() const override { return registry_->List(); }

  absl::Status SetAlias(const std::string& model, const std::string& alias, int64_t version,
                        const RequestContext& context) override {
    MAE_RETURN_IF_ERROR(CheckName("model", model));
    // One that may not be set any more can still be removed.
    if (version == 0 && alias != "latest") {
      MAE_RETURN_IF_ERROR(CheckName("alias", alias));
      const absl::MutexLock lock(&changing_);
      return registry_->RemoveAlias(model, alias);
    }
    MAE_RETURN_IF_ERROR(CheckAlias("alias", alias));
    if (version < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("version: ", version, " is none; give a number from 1, or 0 to remove the alias"));
    }
    MAE_ASSIGN_OR_RETURN(const auto found, registry_->Find({model, version, ""}));
    // Held until the alias has moved, so that the version is no colder then than it was made here.
    MAE_ASSIGN_OR_RETURN(const auto predictor, cache_.Acquire(found->folder));
    MAE_RETURN_IF_ERROR(WarmUp(*predictor, context));
    const absl::MutexLock lock(&changing_);
    return registry_->SetAlias(model, alias, version);
  }

  // The registry first: a crash after it leaves a note by which Heal removes the folder, or what is left of
  // it. A crash before it leaves the version as it was.
  absl::Status Delete(const std::string& model, int64_t version) override {
    MAE_RETURN_IF_ERROR(CheckName("model", model));
    const absl::MutexLock lock(&changing_);
    MAE_RETURN_IF_ERROR(registry_->Delete(model, version));
    const fs::path folder = root_ / model / std::to_string(version);
    cache_.Drop(folder);
    MAE_RETURN_IF_ERROR(TryRemoveFolder({model, version}));
    // A request that had found the version may have loaded it while its folder was there.
    cache_.Drop(folder);
    std::error_code error;
    if (!fs::exists(folder, error) && !error) return absl::OkStatus();
    return absl::InternalError(absl::StrCat("the version is deleted, but ", folder.string(),
                                            " can't be removed; the server's next start tries again"));
  }

  absl::StatusOr<std::shared_ptr<const Predictor>> PredictorOf(const ModelVersion& version) override {
    return cache_.Acquire(version.folder);
  }

  absl::StatusOr<ModelVersion> Load(const std::string& name, std::optional<bool> pin,
                                    const RequestContext& context) override {
    MAE_ASSIGN_OR_RETURN(auto version, Resolve(name));
    MAE_ASSIGN_OR_RETURN(const auto predictor, cache_.Acquire(version.folder, pin));
    MAE_RETURN_IF_ERROR(WarmUp(*predictor, context));
    return version;
  }

  absl::StatusOr<ModelVersion> Unload(const std::string& name, const RequestContext& context) override {
    MAE_ASSIGN_OR_RETURN(auto version, Resolve(name));
    MAE_RETURN_IF_ERROR(cache_.Unload(version.folder, context));
    return version;
  }

  bool IsLoaded(const ModelVersion& version) const override { return cache_.IsLoaded(version.folder); }
  bool IsPinned(const ModelVersion& version) const override { return cache_.IsPinned(version.folder); }

  std::vector<InMemory> Loaded() const override {
    std::vector<InMemory> loaded;
    for (const auto& key : cache_.Loaded()) {
      const fs::path folder = key;
      loaded.push_back({folder.parent_path().filename(), NumberOf(folder)});
    }
    return loaded;
  }

  int64_t CachedBytes() const override { return answers_->bytes(); }

 private:
  // What was announced and neither shown nor taken back: by a crash, or an error after the files had moved.
  // Otherwise a job whose publishing is tried again would have two versions.
  // @param model only of it, without its aliases, which may have been asked for meanwhile; nothing: of all
  // @return the version of this origin whose files have moved, and that is still to be shown
  absl::StatusOr<std::optional<ModelVersion>> FinishEarlier(
      const std::optional<std::string>& model, const std::optional<ModelRegistry::Origin>& origin) {
    MAE_ASSIGN_OR_RETURN(const auto unconfirmed, registry_->Unconfirmed());
    std::optional<std::vector<std::string>> aliases;  // those that were announced
    if (model) aliases.emplace();
    std::optional<ModelVersion> own;
    for (const auto& announced : unconfirmed) {
      if (model && *model != announced.model) continue;
      const fs::path folder = root_ / announced.model / std::to_string(announced.version);
      std::error_code error;
      const bool moved = fs::exists(folder, error);
      if (error) return SystemError("look for", folder, error.value());
      std::optional<ModelVersion> same;
      if (moved && origin) {
        MAE_ASSIGN_OR_RETURN(same, registry_->FindOrigin(*model, *origin, ModelRegistry::Row::kAnnounced));
      }
      if (same && same->version == announced.version) {
        own = std::move(same);
      } else {
        MAE_RETURN_IF_ERROR(moved ? registry_->Confirm(announced, aliases) : registry_->Withdraw(announced));
      }
    }
    return own;
  }

  // What can't be removed stays noted, for the next start. Errors are the database's.
  absl::Status TryRemoveFolder(const ModelRegistry::VersionKey& deleted) {
    const fs::path folder = root_ / deleted.model / std::to_string(deleted.version);
    std::error_code error, ignored;
    fs::remove_all(folder, error);
    if (error || !SyncParent(folder).ok()) return absl::OkStatus();
    fs::remove(folder.parent_path(), ignored);  // if it was the last
    return registry_->FinishDeletion(deleted);
  }

  absl::Status AdoptIfUnknown(const std::string& model, const fs::path& folder) {
    const auto number = NumberOf(folder);
    if (number == 0 || !CheckName("model", model).ok()) return absl::OkStatus();
    MAE_ASSIGN_OR_RETURN(const bool known, registry_->Has(model, number));
    auto version = known ? absl::StatusOr<ModelVersion>(absl::CancelledError()) : ReadVersion(folder);
    if (!version.ok()) return absl::OkStatus();
    version->model = model;
    version->version = number;
    version->created = absl::Now();
    MAE_RETURN_IF_ERROR(registry_->Announce(*version, "", {}));
    return registry_->Confirm({model, number});
  }

  absl::StatusOr<int64_t> NextVersion(const std::string& model) const {
    MAE_ASSIGN_OR_RETURN(int64_t highest, registry_->HighestVersion(model));
    for (const auto& folder : FoldersIn(root_ / model)) highest = std::max(highest, NumberOf(folder));
    return highest + 1;
  }

  static std::vector<std::string> Moved(const std::vector<AliasMove>& moves) {
    std::vector<std::string> aliases;
    for (const AliasMove& move : moves) {
      if (move.moved) aliases.push_back(move.alias);
    }
    return aliases;
  }

  // The row goes first, hidden, so that whatever a crash leaves is told apart by Heal: a hidden row with or
  // without its folder.
  absl::Status MoveIn(const ModelVersion& version, const fs::path& from, const std::string& source,
                      const AliasWish& wish) {
    const absl::MutexLock lock(&changing_);
    MAE_ASSIGN_OR_RETURN(const auto before, registry_->Read(version.model));
    MAE_RETURN_IF_ERROR(MakeFolder(root_ / version.model));
    MAE_RETURN_IF_ERROR(registry_->Announce(version, source, Moved(DecideAliases(wish, version, before))));
    auto moved = RenameDurably(from, version.folder);
    if (moved.ok()) return moved;
    // Renamed, and the disk can't say whether for good: put back, since the next start would adopt a folder
    // without a row. One that can't be put back keeps its row, by which the next publishing, or start, shows
    // it.
    std::error_code error;
    if (fs::exists(version.folder, error)) fs::rename(version.folder, from, error);
    if (!error) moved.Update(registry_->Withdraw({version.model, version.version}));
    return moved;
  }

  // Warms it without the lock, so that whoever changes something meanwhile does not wait for a model; the
  // aliases are decided by what there is then.
  absl::StatusOr<PublishedModel> Show(const ModelVersion& version, const AliasWish& wish) {
    MAE_ASSIGN_OR_RETURN(const auto before, registry_->Read(version.model));
    auto taken_over = Moved(DecideAliases(wish, version, before));
    taken_over.emplace_back("latest");
    WarmIfItTakesOver(version, taken_over, before);
    const absl::MutexLock lock(&changing_);
    MAE_ASSIGN_OR_RETURN(const auto now, registry_->Read(version.model));
    PublishedModel published{version, DecideAliases(wish, version, now)};
    MAE_RETURN_IF_ERROR(registry_->Confirm({version.model, version.version}, Moved(published.aliases)));
    return published;
  }

  // Whoever asked for one of the aliases found a warm model, and is to find one again. A model that can't be
  // loaded now says why when it is asked.
  void WarmIfItTakesOver(const ModelVersion& version, const std::vector<std::string>& aliases,
                         const ModelRecord& before) {
    const bool takes_over = std::any_of(aliases.begin(), aliases.end(), [&](const std::string& alias) {
      const auto present = before.aliases.find(alias);
      return present != before.aliases.end() &&
             cache_.IsLoaded(root_ / version.model / std::to_string(present->second));
    });
    if (!takes_over) return;
    const auto predictor = cache_.Acquire(version.folder);
    if (!predictor.ok()) return;
    RequestContext patience;
    patience.deadline = absl::Now() + kWarmUpPatience;
    (void)WarmUp(**predictor, patience);
  }

  // @param folder {root}/{model}/{version}
  absl::StatusOr<std::unique_ptr<Predictor>> LoadPredictor(const fs::path& folder) {
    Batching batching{&forward_threads_, options_.batch};
    if (options_.on_batch) {
      batching.record = [told = options_.on_batch, model = folder.parent_path().filename().string(),
                         version = NumberOf(folder)](const BatchRecord& batch) {
        told(model, version, batch);
      };
    }
    MAE_ASSIGN_OR_RETURN(auto predictor,
                         Predictor::Load(folder, options_.device, options_.precision, batching));
    if (options_.cache_bytes == 0) return predictor;
    std::function<void(const CacheLookup&)> record;
    if (options_.on_lookup) {
      record = [told = options_.on_lookup, model = folder.parent_path().filename().string(),
                version = NumberOf(folder)](const CacheLookup& lookup) { told(model, version, lookup); };
    }
    return WithResponseCache(std::move(predictor), answers_, std::move(record));
  }

  const std::unique_ptr<ModelRegistry> registry_;
  const fs::path root_;
  const ServingOptions options_;
  // One publish at a time, of all models, from its number to its end; taken before the other.
  absl::Mutex publishing_;
  // One change of versions, folders or aliases at a time: aliases are looked at, then moved. Never held while
  // a model is loaded or runs.
  absl::Mutex changing_;
  WorkQueue forward_threads_;
  const std::shared_ptr<ResponseCache> answers_;
  PredictorCache cache_;
};

}  // namespace

absl::StatusOr<ModelVersion> ModelStore::Resolve(const std::string& name) const {
  MAE_ASSIGN_OR_RETURN(const auto found, Find(name));
  return *found;
}

absl::StatusOr<LoadedModel> ModelStore::Acquire(const std::string& name) {
  MAE_ASSIGN_OR_RETURN(const auto found, Find(name));
  MAE_ASSIGN_OR_RETURN(auto predictor, PredictorOf(*found));
  return LoadedModel{*found, std::move(predictor)};
}

absl::StatusOr<std::unique_ptr<ModelStore>> ModelStore::Create(Database& database, absl::Mutex& mutex,
                                                               fs::path root, ServingOptions options) {
  if (options.max_loaded < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_loaded_models: ", options.max_loaded, " must be at least 1"));
  }
  root = fs::absolute(root).lexically_normal();
  MAE_RETURN_IF_ERROR(MakeFolder(root));
  MAE_ASSIGN_OR_RETURN(auto registry, ModelRegistry::Create(database, mutex, root));
  auto store = std::make_unique<SqliteModelStore>(std::move(registry), std::move(root), std::move(options));
  MAE_RETURN_IF_ERROR(store->Heal());
  return store;
}

}  // namespace mae
