#include "train/train_task.h"

namespace mae {

Batch TrainTask::Prepare(const Batch& batch, int64_t /*epoch*/) { return batch; }

absl::StatusOr<Picture> TrainTask::Draw(const Batch& /*batch*/) {
  return absl::UnimplementedError("this kind of job draws no picture");
}

absl::StatusOr<Picture> TrainTask::DrawRatios(const Batch& /*batch*/,
                                              const std::vector<double>& /*mask_ratios*/) {
  return absl::UnimplementedError("this kind of job hides nothing");
}

}  // namespace mae
