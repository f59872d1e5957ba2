#include "server/dataset_store.h"

#include <algorithm>
#include <system_error>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/nearest_word.h"
#include "base/status_macros.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

bool IsName(std::string_view name) {
  constexpr std::string_view kFirst = "abcdefghijklmnopqrstuvwxyz0123456789";
  constexpr std::string_view kAll = "abcdefghijklmnopqrstuvwxyz0123456789._-";
  return !name.empty() && name.size() <= 63 && kFirst.find(name[0]) != std::string_view::npos &&
         name.find_first_not_of(kAll) == std::string_view::npos;
}

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

absl::StatusOr<std::unique_ptr<DatasetStore>> DatasetStore::Create(std::map<std::string, fs::path> configured,
                                                                   fs::path datasets_root) {
  for (const auto& [name, path] : configured) {
    if (!IsName(name)) {
      return absl::InvalidArgumentError(absl::StrCat("datasets: the name \"", name,
                                                     "\" must be 1 to 63 of a-z, 0-9, '.', '_', '-', "
                                                     "and begin with a letter or digit"));
    }
  }
  return std::unique_ptr<DatasetStore>(new DatasetStore(std::move(configured), std::move(datasets_root)));
}

absl::StatusOr<DatasetInfo> DatasetStore::Find(std::string_view name) const {
  MAE_ASSIGN_OR_RETURN(auto entry, FindEntry(name));
  return std::move(entry.info);
}

absl::StatusOr<DatasetEntry> DatasetStore::FindEntry(std::string_view name) const {
  constexpr std::string_view kPrefix = "datasets/";
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  const auto paths = Paths();
  const auto it = paths.find(std::string(name));
  if (it != paths.end()) return DatasetEntry{it->first, it->second, Inspect(it->first, it->second)};
  std::vector<std::string> names;
  for (const auto& [known, path] : paths) names.push_back(known);
  return absl::NotFoundError(absl::StrCat("dataset: there is no \"",
                                          absl::CHexEscape(std::string(name.substr(0, 80))), "\"",
                                          DidYouMean(name, names), "; ListDatasets has them all"));
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
    if (IsName(name) && (name != file || it->is_directory(ignored))) paths.emplace(name, it->path());
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
