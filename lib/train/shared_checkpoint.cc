#include "train/shared_checkpoint.h"

#include <torch/torch.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"

namespace mae {
namespace {

using Json = nlohmann::json;

Json Describe(const NamedTensors& tensors) {
  Json described = Json::array();
  for (const auto& [name, tensor] : tensors)
    described.push_back({name, tensor.sizes().vec(), static_cast<int>(tensor.scalar_type())});
  return described;
}

NamedTensors RoomFor(const Json& described) {
  NamedTensors tensors;
  for (const auto& one : described) {
    const auto type = static_cast<torch::ScalarType>(one.at(2).get<int>());
    tensors.emplace_back(one.at(0).get<std::string>(),
                         torch::empty(one.at(1).get<std::vector<int64_t>>(), type));
  }
  return tensors;
}

void Share(NamedTensors& tensors, ProcessGroup& group) {
  for (auto& [name, tensor] : tensors) {
    torch::Tensor values = tensor.detach().cpu().contiguous();
    group.Broadcast(values);
    tensor = values;
  }
}

}  // namespace

absl::StatusOr<TrainingCheckpoint> ShareCheckpoint(TrainingCheckpoint checkpoint, ProcessGroup& group) {
  if (group.ranks() == 1) return checkpoint;
  const Json mine = {{"model", Describe(checkpoint.model)},
                     {"optimizer", Describe(checkpoint.optimizer)},
                     {"progress", ProgressToJson(checkpoint.progress)}};
  const Json first = Json::parse(group.Broadcast(mine.dump()));
  if (!group.is_first()) {
    checkpoint.model = RoomFor(first["model"]);
    checkpoint.optimizer = RoomFor(first["optimizer"]);
    MAE_ASSIGN_OR_RETURN(checkpoint.progress, ProgressFromJson(first["progress"].get<std::string>()));
  }
  Share(checkpoint.model, group);
  Share(checkpoint.optimizer, group);
  return checkpoint;
}

}  // namespace mae
