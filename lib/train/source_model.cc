#include "train/source_model.h"

#include "absl/strings/str_cat.h"
#include "checkpoint/model_folder.h"

namespace mae {

absl::StatusOr<JobOptions> WithSourceModel(JobOptions options) {
  if (options.is_pretrain() || std::holds_alternative<FinetuneOptions>(options.kind)) return options;
  const auto config = ReadModelConfig(options.from_weights());
  if (!config.ok()) {
    return absl::Status(config.status().code(),
                        absl::StrCat(options.kind_name(), ".from_model: ", config.status().message()));
  }
  if (auto* probe = std::get_if<LinearProbeOptions>(&options.kind)) probe->model.encoder = config->encoder();
  if (auto* probe = std::get_if<KnnProbeOptions>(&options.kind)) probe->encoder = config->encoder();
  if (auto* evaluate = std::get_if<EvaluateOptions>(&options.kind)) evaluate->encoder = config->encoder();
  return options;
}

}  // namespace mae
