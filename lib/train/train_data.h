#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "data/dataset.h"
#include "data/loader.h"
#include "options/train_options.h"
#include "runtime/process_group.h"

namespace mae {

/// The images of a job, as bytes. Immutable once loaded.
struct TrainData {
  std::vector<std::string> labels;  ///< a class each
  ImageSet train, validation;
};

/// Reads both splits and holds them against the model. INVALID_ARGUMENT names the field: another size
/// than the model's without a random resized crop, another channel count, more classes than its head has,
/// fewer images than one batch under drop_last. Else the errors of InspectDataset and LoadSplit.
absl::StatusOr<TrainData> LoadTrainData(const JobOptions& options);

/// One more than the largest label; 0 without images.
int64_t ClassesOf(const ImageSet& images);

/// Batches that an epoch of training has, as Loader::num_batches.
int64_t StepsPerEpoch(const JobOptions& options, const TrainData& data);

/// Shuffled, augmented and cut as the job wants its training images.
LoaderOptions TrainLoaderOptions(const JobOptions& options);
/// In order, whole; only brought to the model's size.
LoaderOptions ValidationLoaderOptions(const JobOptions& options);
/// Of each batch the part of a rank.
LoaderOptions OfRank(LoaderOptions options, const ProcessGroup& group);

}  // namespace mae
