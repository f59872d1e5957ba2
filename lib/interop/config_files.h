#pragma once

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "interop/import_options.h"
#include "options/model_card.h"

/// The JSON that lies beside weights: config.json of this project, of transformers and of timm, and
/// preprocessor_config.json. Pure but for ReadConfigFiles; no exception leaves them.
namespace mae {

/// What config.json and preprocessor_config.json of a folder say, where they are there; at most 16 MiB each.
/// INVALID_ARGUMENT "config.json: key: …" for a value of another type, a model_type or hidden_act that no
/// model here has.
absl::StatusOr<ImportOptions> ReadConfigFiles(const std::filesystem::path& folder);

/// `given` where it says something, else `found`.
ImportOptions Completed(ImportOptions given, const ImportOptions& found);

/// config.json of transformers. FAILED_PRECONDITION for what transformers has no model for: a mean-pooled
/// classifier, an image or grid that is not square.
absl::StatusOr<std::string> HuggingFaceConfig(const ModelConfig& config);
/// preprocessor_config.json of transformers.
std::string HuggingFacePreprocessor(const ModelConfig& config);
/// config.json as timm.create_model("local-dir:FOLDER") reads it.
std::string TimmConfig(const ModelConfig& config);

}  // namespace mae
