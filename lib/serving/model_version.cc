#include "serving/model_version.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/nearest_word.h"

namespace mae {
namespace {

std::string VersionsOf(const ModelRecord& record) {
  return absl::StrJoin(record.versions, ", ", [](std::string* out, const ModelVersion& version) {
    absl::StrAppend(out, version.version);
  });
}

}  // namespace

absl::Status NoSuchAlias(const ModelRecord& record, const std::string& alias) {
  std::vector<std::string> aliases;
  for (const auto& [name, version] : record.aliases) aliases.push_back(name);
  return absl::NotFoundError(absl::StrCat("model: \"", record.model, "\" has no alias \"", alias, "\"",
                                          DidYouMean(alias, aliases), "; it has ",
                                          absl::StrJoin(aliases, ", ")));
}

std::vector<std::string> AliasesOf(const ModelRecord& record, int64_t version) {
  std::vector<std::string> aliases;
  for (const auto& [name, of] : record.aliases) {
    if (of == version && name != "latest") aliases.push_back(name);
  }
  return aliases;
}

const ModelVersion* VersionIn(const ModelRecord& record, int64_t wanted) {
  const auto it = std::find_if(record.versions.begin(), record.versions.end(),
                               [&](const ModelVersion& version) { return version.version == wanted; });
  return it == record.versions.end() ? nullptr : &*it;
}

absl::Status NoSuchVersion(const ModelRecord& record, int64_t version) {
  return absl::NotFoundError(absl::StrCat("model: \"", record.model, "\" has no version ", version,
                                          "; it has ", VersionsOf(record)));
}

}  // namespace mae
