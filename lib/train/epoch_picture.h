#pragma once

#include <torch/torch.h>

#include "absl/status/statusor.h"
#include "data/dataset.h"
#include "job/job_event.h"
#include "job/job_folder.h"
#include "options/train_options.h"
#include "train/train_task.h"

namespace mae {

/// Draws what the model makes of some validation images, chosen anew each epoch, and writes
/// samples/epoch-NNN.png. Which images is a function of (seed, epoch). Puts the model in eval mode.
/// @param epoch that was just done, from 1, as people count.
/// @return the event to record; errors of TrainTask::Draw and of the disk.
absl::StatusOr<PictureEvent> WriteEpochPicture(TrainTask& task, const ImageSet& validation,
                                               const JobOptions& options, const JobFolder& folder,
                                               const torch::Device& device, int64_t epoch);

/// Draws how a masked autoencoder fills in a quarter, a half and three quarters of some validation images,
/// the same at any time of the job, and writes samples/mask-ratios-WHEN.png. Puts the model in eval mode.
/// @param when "before" or "after" training.
/// @param epoch of the event.
/// @return the event to record; errors of TrainTask::DrawRatios and of the disk.
absl::StatusOr<PictureEvent> WriteRatioPicture(TrainTask& task, const ImageSet& validation,
                                               const JobOptions& options, const JobFolder& folder,
                                               const torch::Device& device, const std::string& when,
                                               int64_t epoch);

}  // namespace mae
