#include "train/train_task.h"

namespace mae {

absl::StatusOr<Picture> TrainTask::Draw(const Batch& /*batch*/) {
  return absl::UnimplementedError("this kind of job draws no picture");
}

}  // namespace mae
