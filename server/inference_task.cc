#include "server/inference_task.h"

namespace mae {

std::string_view MethodName(InferenceTask task) {
  switch (task) {
    case InferenceTask::kReconstruct:
      return "Reconstruct";
    case InferenceTask::kClassify:
      return "Classify";
    case InferenceTask::kEmbed:
      break;
  }
  return "Embed";
}

bool CanDo(const ModelConfig& config, InferenceTask task) {
  return task == InferenceTask::kEmbed || task == UsualTask(config);
}

InferenceTask UsualTask(const ModelConfig& config) {
  const auto* model = std::get_if<VisionTransformerOptions>(&config.model);
  if (model == nullptr) return InferenceTask::kReconstruct;
  return model->num_classes > 0 ? InferenceTask::kClassify : InferenceTask::kEmbed;
}

}  // namespace mae
