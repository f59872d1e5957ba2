#pragma once

#include <torch/torch.h>

#include <string>
#include <utility>
#include <vector>

#include "data/batch.h"
#include "job/tensorboard_event.h"
#include "optim/adamw.h"
#include "options/train_options.h"
#include "train/train_task.h"

namespace mae {

/// One optimizer step: forward in the job's precision, backward, clipping, AdamW. A function of the weights,
/// the moments and the counters alone, so that a resumed run repeats the uninterrupted one bit for bit. One
/// thread.
class TrainStep {
 public:
  struct Result {
    TrainTask::Measure measure;  ///< without graph
    torch::Tensor grad_norm;     ///< float32 scalar, before clipping
    bool taken = false;  ///< false: loss or gradient not finite, the weights and moments are as before
    std::vector<std::pair<std::string, Histogram>> gradients =
        {};  ///< after clipping, if they were asked for
  };

  /// @param task, adamw outlive the step; the model is on `device`.
  TrainStep(const JobOptions& options, TrainTask& task, AdamW& adamw, torch::Device device);

  /// @param batch on the device.
  /// @param step of the job, from 0: what drop path draws from.
  /// @param histograms whether to look at the gradients, which takes longer than the step itself.
  Result Run(const Batch& batch, int64_t epoch, int64_t step, double learning_rate, bool histograms = false);

 private:
  TrainTask::Measure ForwardAndBackward(const Batch& loaded, int64_t epoch);

  const uint64_t seed_;
  const Precision precision_;
  const double clip_;
  const torch::Device device_;
  TrainTask& task_;
  AdamW& adamw_;
};

}  // namespace mae
