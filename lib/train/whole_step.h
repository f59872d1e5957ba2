#pragma once

#include <torch/torch.h>

#include "optim/optimizer.h"
#include "options/train_options.h"
#include "runtime/recorded_step.h"
#include "train/train_task.h"

namespace mae {

/// A training step that is all a device's own: forward, backward, clipping, the optimizer's step and the
/// moving average, without one number that the host has to see, so that a GPU is never waited for and the
/// whole can be recorded and replayed (RecordedStep). A step whose loss or gradient is not finite leaves
/// everything as it was. Leaves what TrainStep's plain steps leave, up to the rounding of the learning rate
/// to float32. One thread.
class WholeStep {
 public:
  struct Outcome {
    TrainTask::Measure measure;  ///< without graph; as it came out, also where the step was not taken
    torch::Tensor grad_norm;     ///< float32 scalar, before clipping
    torch::Tensor taken;         ///< float32 scalar, 1 or 0
  };

  /// Whether the job's steps can be made so: AdamW, a task whose work is the same for every batch, and no
  /// gradients that add up over batches.
  static bool CanRun(const JobOptions& options, const TrainTask& task, const Optimizer& optimizer);

  /// @param task, optimizer outlive the step; CanRun holds of them.
  /// @param make_graph nullptr: nothing is recorded.
  WholeStep(const JobOptions& options, TrainTask& task, Optimizer& optimizer, torch::Device device,
            RecordedStep::MakeGraph make_graph, RecordedStep::Warn warn);

  /// Launches a step; the default generator is seeded for it. Waits for nothing.
  /// @param batch that the task prepared, on the device.
  Outcome Run(const Batch& batch, double learning_rate);

  /// Whether the last step was a replay.
  bool replays() const { return step_.replays(); }

 private:
  RecordedStep::Tensors Step(const RecordedStep::Tensors& inputs);
  TrainTask::Measure ForwardAndBackward(const Batch& batch);

  const Precision precision_;
  const double clip_;
  const torch::Device device_;
  TrainTask& task_;
  Optimizer& optimizer_;
  RecordedStep step_;
};

}  // namespace mae
