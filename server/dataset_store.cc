#include "server/dataset_store.h"

#include <algorithm>
#include <system_error>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "base/nearest_word.h"
#include "base/status_macros.h"
#include "data/dataset_path.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

std::string_view WithoutSuffix(std::string_view name, std::string_view suffix) {
  return name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : name;
}

// The newest change of an archive, or of a folder and what lies in it two levels down, where the folders of
// classes are: a file that comes or goes changes the folder it lies in.
fs::file_time_type NewestChange(const fs::path& path, std::error_code& error) {
  auto newest = fs::last_write_time(path, error);
  std::error_code ignored;  // an entry that vanished meanwhile has changed its folder
  for (fs::recursive_directory_iterator it(path, ignored), end; !ignored && it != end;
       it.increment(ignored)) {
    if (it.depth() >= 1) it.disable_recursion_pending();
    std::error_code vanished;
    const auto changed = it->last_write_time(vanished);
    if (!vanished) newest = std::max(newest, changed);
  }
  return newest;
}

}  // namespace

std::string DatasetShortName(std::string_view name) {
  constexpr std::string_view kPrefix = "datasets/";
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  return std::string(name);
}

absl::StatusOr<std::unique_ptr<DatasetStore>> DatasetStore::Create(std::map<std::string, fs::path> configured,
                                                                   fs::path datasets_root) {
  for (const auto& [name, path] : configured) {
    if (const auto named = CheckDatasetName(name); !named.ok())
      return absl::InvalidArgumentError(absl::StrCat("datasets: ", std::string(named.message())));
  }
  return std::unique_ptr<DatasetStore>(new DatasetStore(std::move(configured), std::move(datasets_root)));
}

absl::StatusOr<DatasetInfo> DatasetStore::Find(std::string_view name) const {
  MAE_ASSIGN_OR_RETURN(auto entry, FindEntry(name));
  return std::move(entry.info);
}

absl::StatusOr<DatasetEntry> DatasetStore::FindEntry(std::string_view name) const {
  const auto paths = Paths();
  const auto it = paths.find(DatasetShortName(name));
  if (it == paths.end()) return NoSuchDataset(name);
  return DatasetEntry{it->first, it->second, Inspect(it->first, it->second)};
}

absl::Status DatasetStore::NoSuchDataset(std::string_view name) const {
  std::vector<std::string> names;
  for (const auto& [known, path] : Paths()) names.push_back(known);
  return absl::NotFoundError(absl::StrCat("dataset: there is no \"",
                                          absl::CHexEscape(std::string(name.substr(0, 80))), "\"",
                                          DidYouMean(name, names), "; list-datasets shows those there are"));
}

absl::Status DatasetStore::CheckFree(const std::string& name) const {
  std::error_code error;  // A broken link, or a file that is no dataset, is in the way too.
  if (!Paths().contains(name) && !fs::exists(fs::symlink_status(datasets_root_ / name, error)))
    return absl::OkStatus();
  return absl::AlreadyExistsError(
      absl::StrCat("datasets/", name, " exists; choose another name, or delete that dataset first"));
}

absl::StatusOr<DatasetEntry> DatasetStore::Adopt(DatasetInfo info) {
  MAE_RETURN_IF_ERROR(CheckFree(info.name));
  const fs::path path = datasets_root_ / info.name;
  MAE_RETURN_IF_ERROR(RenameDurably(info.path, path));
  info.path = path;
  Note(info.name, path, info);
  return DatasetEntry{info.name, path, info};
}

absl::Status DatasetStore::Delete(std::string_view given) {
  const std::string name = DatasetShortName(given);
  if (configured_.contains(name)) {
    return absl::FailedPreconditionError(
        absl::StrCat("datasets/", name, " is named by the server's configuration; take it out there"));
  }
  const auto paths = Paths();
  const auto it = paths.find(name);
  if (it == paths.end()) return NoSuchDataset(given);
  MAE_RETURN_IF_ERROR(trash_.Put(it->second));
  const absl::MutexLock lock(&mutex_);
  known_.erase(name);
  return absl::OkStatus();
}

std::vector<DatasetEntry> DatasetStore::List() const {
  std::vector<DatasetEntry> entries;
  for (const auto& [name, path] : Paths()) entries.push_back({name, path, Inspect(name, path)});
  return entries;
}

std::map<std::string, fs::path> DatasetStore::Paths() const {
  auto paths = configured_;
  std::error_code error;
  for (fs::directory_iterator it(datasets_root_, error), end; !error && it != end; it.increment(error)) {
    const std::string file = it->path().filename();
    std::error_code ignored;  // an entry that vanished or can't be looked at is no dataset
    const bool is_folder = it->is_directory(ignored);
    const std::string name(is_folder ? file : WithoutSuffix(file, ".tar.gz"));
    if (CheckDatasetName(name).ok() && (name != file || is_folder)) paths.emplace(name, it->path());
  }
  return paths;
}

absl::StatusOr<DatasetInfo> DatasetStore::Inspect(const std::string& name, const fs::path& path) const {
  std::error_code error;
  const auto changed = NewestChange(path, error);
  if (!error) {
    const absl::MutexLock lock(&mutex_);
    const auto it = known_.find(name);
    if (it != known_.end() && it->second.path == path && it->second.changed == changed)
      return it->second.info;
  }
  MAE_ASSIGN_OR_RETURN(auto info, InspectDataset(name, path));
  MAE_RETURN_IF_ERROR(MeasurePixels(info));
  if (!error) {
    const absl::MutexLock lock(&mutex_);
    known_[name] = {path, changed, info};
  }
  return info;
}

void DatasetStore::Note(const std::string& name, const fs::path& path, const DatasetInfo& info) {
  std::error_code error;
  const auto changed = NewestChange(path, error);
  const absl::MutexLock lock(&mutex_);
  if (!error) known_[name] = {path, changed, info};
}

}  // namespace mae
