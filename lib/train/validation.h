#pragma once

#include <torch/torch.h>

#include <atomic>
#include <optional>

#include "data/loader.h"
#include "options/train_options.h"
#include "runtime/process_group.h"
#include "train/train_task.h"

namespace mae {

struct ValidationResult {
  double loss = 0;                 ///< mean over all images: a smaller last batch counts for what it holds
  std::optional<double> accuracy;  ///< share classified right; classifiers only
};

/// Puts the model in eval mode and runs every batch of the loader through TrainTask::Validate, without
/// gradients. Reads the device once, at the end.
/// @param loader of several ranks: OfRank. Each image counts once, and all ranks get the same result.
/// @param device where the model is.
/// @param stop looked at before each batch.
/// @return nothing if stopped before the end, on any rank.
std::optional<ValidationResult> RunValidation(TrainTask& task, Loader& loader, Precision precision,
                                              const torch::Device& device, const std::atomic<bool>& stop,
                                              ProcessGroup& group);

/// The batch where the model is. To a GPU, images and labels go through pinned memory without a wait.
Batch ToDevice(Batch batch, const torch::Device& device);

}  // namespace mae
