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

/// Runs a job that trains nothing, knn_probe or evaluate: looks at the images, tells by metrics events how
/// many (images_per_second, eta_seconds; the steps are images), and records what it found as one last metrics
/// event and in words. A classifier's evaluation also draws samples/confusion.png, of at most
/// kMaxConfusionClasses classes. Keeps no
/// state: a resumed job begins anew. Blocks for as long as that takes.
///
/// Metrics: accuracy, top5_accuracy (more than five classes), class_accuracy/LABEL (evaluate), and the loss
/// as validation_loss (on the training split: loss), which for an autoencoder is that over hidden patches,
/// with the masks that validation always has.
/// @param options of such a job, see WithSourceModel.
/// @param stop looked at before each batch.
/// @return SUCCEEDED or STOPPED; INVALID_ARGUMENT if the classes of the dataset are none of the model's
/// (options/class_match.h); FAILED_PRECONDITION if what the model makes of the images is not finite; else
/// errors of reading the model.
absl::StatusOr<JobState> RunMeasurement(const JobOptions& options, const JobFolder& folder,
                                        const TrainData& data, JobRecorder& recorder,
                                        const torch::Device& device, const std::atomic<bool>& stop);

}  // namespace mae
