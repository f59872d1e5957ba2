#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "options/model_card.h"

/// Published models as values.
namespace mae {

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

/// Points into the record; null: there is no such version.
const ModelVersion* VersionIn(const ModelRecord& record, int64_t wanted);
/// Those that a version is called by, but for latest, which moves by itself.
std::vector<std::string> AliasesOf(const ModelRecord& record, int64_t version);

/// NOT_FOUND that names what there is instead.
absl::Status NoSuchVersion(const ModelRecord& record, int64_t version);
absl::Status NoSuchAlias(const ModelRecord& record, const std::string& alias);

}  // namespace mae
