#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "options/model_card.h"

namespace mae {

enum class ExportFormat {
  kOfficial,     ///< model.safetensors under the official names, config.json of this project
  kHuggingFace,  ///< a folder for from_pretrained of transformers
  kTimm,         ///< a folder for timm.create_model("local-dir:FOLDER"); of an autoencoder the encoder alone
  kPth,          ///< checkpoint.pth, {"model": state dict}, for torch.load(weights_only=True)
};

/// Metric to (step, value), in order, thinned.
using Curves = std::map<std::string, std::vector<std::pair<int64_t, double>>>;

/// What an export tells of a model beside its weights: the content of README.md.
struct ModelStory {
  std::string name;  ///< models/{model}/versions/{n}
  std::string made;  ///< when, for people
  ModelCard card;
  Curves curves;  ///< empty where the job is gone
};

/// Writes a model folder (docs/formats/model.md) in another format: weights, config and a model card
/// README.md. A linear probe's head, which transformers and timm do not have, becomes one Linear for them.
/// Holds the weights up to twice in memory. Torch-free header; blocks for seconds; safe from any thread.
/// @param out is made; on an error it may hold files that are of no use.
/// @return FAILED_PRECONDITION "format: …" if the format has no such model; NOT_FOUND, RESOURCE_EXHAUSTED,
///   INTERNAL.
absl::Status ExportModelFiles(const std::filesystem::path& model_folder, ExportFormat format,
                              const ModelStory& story, const std::filesystem::path& out);

}  // namespace mae
