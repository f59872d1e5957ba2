#pragma once

#include <torch/torch.h>

#include <atomic>

#include "absl/status/statusor.h"
#include "job/job_folder.h"
#include "job/job_state.h"
#include "options/train_options.h"
#include "train/job_recorder.h"
#include "train/train_data.h"

namespace mae {

/// Runs a job that trains nothing, knn_probe or evaluate: looks at the images, and records what it found as
/// one last metrics event and in words. A classifier's evaluation also draws samples/confusion.png. Keeps no
/// state: a resumed job begins anew. Blocks for as long as that takes.
///
/// Metrics: accuracy, top5_accuracy (more than five classes), class_accuracy/LABEL (evaluate), and the loss
/// as validation_loss (on the training split: loss), which for an autoencoder is that over hidden patches,
/// with the masks that validation always has.
/// @param options of such a job, see WithSourceModel.
/// @param stop looked at before each batch.
/// @return SUCCEEDED or STOPPED; INVALID_ARGUMENT if the model's head has fewer classes than the dataset;
/// else errors of reading the model.
absl::StatusOr<JobState> RunMeasurement(const JobOptions& options, const JobFolder& folder,
                                        const TrainData& data, JobRecorder& recorder,
                                        const torch::Device& device, const std::atomic<bool>& stop);

}  // namespace mae
