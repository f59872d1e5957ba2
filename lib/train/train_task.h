#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "data/batch.h"
#include "data/dataset.h"
#include "image/codec.h"
#include "optim/param_groups.h"
#include "options/model_card.h"

namespace mae {

/// What one kind of job adds to the training loop: a model, its loss, and how its result is looked at.
/// Owned by the job, used by its thread alone. Shape and device errors throw c10::Error; the job catches
/// them.
class TrainTask {
 public:
  /// Both float32 scalars on the device of the batch.
  struct Measure {
    torch::Tensor loss;     ///< mean over the images of the batch; carries the graph while gradients are on
    torch::Tensor correct;  ///< images classified right; undefined if this kind of job does not classify
  };

  virtual ~TrainTask() = default;

  virtual torch::nn::Module& model() = 0;

  /// What is trained, which decides what weight decay shrinks.
  virtual TrainingKind kind() const = 0;

  /// What Train is to see of a training batch as it came from the loader: called once for the whole batch,
  /// before it is trained in parts, by tasks that mix its images or draw its masks. A function of the batch
  /// and the epoch.
  virtual Batch Prepare(const Batch& batch, int64_t epoch);

  /// The loss of a training batch that Prepare gave, a function of the weights, the batch, the epoch and (for
  /// drop path) the default generator. The model is in train mode.
  virtual Measure Train(const Batch& batch, int64_t epoch) = 0;

  /// Whether Train launches the same work for every batch of a size that Prepare gave, as a recording needs
  /// it: it looks at no value, waits for no device, and reads the batch's tensors alone, not its indices, nor
  /// the epoch.
  virtual bool recordable() const { return false; }

  /// Whether Train may be called for parts of a batch at the same time, with the gradients of the parts
  /// adding up to those of the whole: the loss is a mean over images, and nothing is drawn from a default
  /// generator.
  virtual bool shardable() const { return false; }

  /// The same of a validation batch, whatever the epoch: one job's values compare. The model is in eval mode.
  virtual Measure Validate(const Batch& batch) = 0;

  /// Whether Draw has something to show.
  virtual bool draws() const { return false; }

  /// Draws what the model does with these images, a row each, for people.
  /// @param batch of validation images. The model is in eval mode, gradients are off.
  /// @return UNIMPLEMENTED unless draws().
  virtual absl::StatusOr<Picture> Draw(const Batch& batch);

  /// Draws what the model makes of these images when other shares of them are hidden, whatever the job's own.
  /// @param mask_ratios each in (0, 1).
  /// @return UNIMPLEMENTED for a kind of job that hides nothing.
  virtual absl::StatusOr<Picture> DrawRatios(const Batch& batch, const std::vector<double>& mask_ratios);

  /// What a serving process must know of the result.
  virtual ModelConfig config() const = 0;
};

}  // namespace mae
