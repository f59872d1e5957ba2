#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/chaos/acknowledged.h"
#include "tests/chaos/chaos_server.h"
#include "tests/chaos/journal.h"
#include "tests/chaos/outcome.h"

namespace mae {

/// Calls of ModelService and InferenceService; each notes what it learned in `known`.
class ModelOperations {
 public:
  using Version = std::pair<std::string, int64_t>;

  /// @param weights folders of models (TinyClassifier) to import.
  ModelOperations(ChaosServer& server, Acknowledged& known, Choices& choices, Journal& journal,
                  std::vector<std::filesystem::path> weights);

  void Import(const std::string& model);
  void SetAlias(const Version& version, const std::string& alias);
  void RemoveAlias(const std::string& model, const std::string& alias);
  void DeleteVersion(const Version& version);
  /// Classifies a picture. @param name of a model, version or alias.
  Outcome Infer(const std::string& name);
  void Load(const Version& version);

 private:
  void NoteAlias(const std::string& model, const std::string& alias, int64_t version, Outcome outcome);

  ChaosServer& server_;
  Acknowledged& known_;
  Choices& choices_;
  Journal& journal_;
  const std::vector<std::filesystem::path> weights_;
};

/// models/{model}/versions/{n}
std::string VersionName(const std::pair<std::string, int64_t>& version);

}  // namespace mae
