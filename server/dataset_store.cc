#include "server/dataset_store.h"

#include <algorithm>
#include <system_error>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "base/nearest_word.h"
#include "base/status_macros.h"
#include "base/system_error.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBeingDeleted = ".deleted";

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

absl::Status CheckDatasetName(std::string_view name) {
  constexpr std::string_view kFirst = "abcdefghijklmnopqrstuvwxyz0123456789";
  constexpr std::string_view kAll = "abcdefghijklmnopqrstuvwxyz0123456789._-";
  if (!name.empty() && name.size() <= 63 && kFirst.find(name[0]) != std::string_view::npos &&
      name.find_first_not_of(kAll) == std::string_view::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the name \"", absl::CHexEscape(std::string(name.substr(0, 80))),
                   "\" must be 1 to 63 of a-z, 0-9, '.', '_', '-', and begin with a "
                   "letter or digit"));
}

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
  std::error_code ignored;  // What a deletion left when the server ended is in nobody's way.
  fs::remove_all(datasets_root / kBeingDeleted, ignored);
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
  if (!Paths().contains(name)) return absl::OkStatus();
  return absl::AlreadyExistsError(
      absl::StrCat("datasets/", name, " exists; choose another name, or delete that dataset first"));
}

absl::Status DatasetStore::Adopt(const std::string& name, const fs::path& folder) {
  MAE_RETURN_IF_ERROR(CheckFree(name));
  return RenameDurably(folder, datasets_root_ / name);
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
  // Out of sight at once, and whole; the files then go one by one.
  std::error_code error;
  const fs::path gone = datasets_root_ / kBeingDeleted / it->second.filename();
  fs::create_directories(gone.parent_path(), error);
  fs::remove_all(gone, error);  // what an earlier deletion could not
  MAE_RETURN_IF_ERROR(RenameDurably(it->second, gone));
  fs::remove_all(gone, error);
  return error ? SystemError("remove", gone, error.value()) : absl::OkStatus();
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
    const std::string name(WithoutSuffix(file, ".tar.gz"));
    std::error_code ignored;  // an entry that vanished or can't be looked at is no dataset
    if (CheckDatasetName(name).ok() && (name != file || it->is_directory(ignored)))
      paths.emplace(name, it->path());
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

}  // namespace mae
