#pragma once

#include <torch/torch.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/batch.h"
#include "job/tensorboard_event.h"
#include "optim/optimizer.h"
#include "options/train_options.h"
#include "runtime/process_group.h"
#include "train/gradient_reducer.h"
#include "train/step_trace.h"
#include "train/train_task.h"
#include "train/whole_step.h"

namespace mae {

/// What is done with a batch: forward in the job's precision, backward, and with the last batch of
/// accumulate_steps clipping and the optimizer's step, averages of weights included; as a WholeStep, which
/// never waits for the device, where the device is a GPU and the job allows it. A function of the weights,
/// the optimizer's state and the counters alone, so that a resumed run repeats the uninterrupted one bit for
/// bit. One thread.
class TrainStep {
 public:
  enum class Form {
    kPlain,  ///< the host sees of each step whether it is to be taken
    kWhole   ///< a WholeStep, where the job allows it and nobody looks into the step
  };
  static Form FormOf(const torch::Device& device) { return device.is_cuda() ? Form::kWhole : Form::kPlain; }

  struct Result {
    TrainTask::Measure measure;  ///< without graph
    torch::Tensor grad_norm;     ///< float32 scalar, before clipping; undefined unless due
    /// Whether the optimizer's turn came; else the gradients, divided by accumulate_steps, have only been
    /// added to those of the batches before.
    bool due = true;
    /// false: loss or gradient not finite, the weights and moments are as before. Such a batch spoils the
    /// step of all that are added up with it. Says nothing where taken_there is defined.
    bool taken = false;
    /// The same of a WholeStep, a float32 scalar on the device, 1 or 0, to be read when it is convenient; the
    /// average of the weights has had its Update then. Undefined else.
    torch::Tensor taken_there = {};
    /// After clipping, if they were asked for and due.
    std::vector<std::pair<std::string, Histogram>> gradients = {};
  };

  /// @param task, optimizer outlive the step; the model is on `device`.
  /// @param group of several ranks: each calls Run with its part of a batch, all get the same result; steps
  /// are plain ones.
  /// @param warn told if steps can't be recorded.
  TrainStep(const JobOptions& options, TrainTask& task, Optimizer& optimizer, torch::Device device,
            ProcessGroup& group, Form form = Form::kPlain, RecordedStep::Warn warn = {});

  /// @param batch on the device.
  /// @param step of the job, counted in batches from 0: what drop path draws from, and what tells whose turn
  /// it is.
  /// @param histograms whether to look at the gradients, which takes longer than the step itself.
  /// @param trace where the phases of the step go, if not nullptr. They then wait for a GPU, which would else
  /// only be handed its work in them, and the step is a plain one.
  Result Run(const Batch& batch, int64_t epoch, int64_t step, double learning_rate, bool histograms = false,
             StepTrace* trace = nullptr);

  /// Whether the last WholeStep was a replay of a recorded one.
  bool replays() const { return whole_ != nullptr && whole_->replays(); }

 private:
  TrainTask::Measure ForwardAndBackward(const Batch& loaded, int64_t epoch, StepTrace* trace);
  /// The same of one rank of several.
  TrainTask::Measure ForwardAndBackwardTogether(const Batch& batch, int64_t epoch, double scale,
                                                StepTrace* trace);
  TrainTask::Measure Forward(const Batch& batch, int64_t epoch, StepTrace* trace);
  /// Measures and looks at the gradients, for which it clips them. @return whether to step.
  bool Judge(Result& result, bool histograms, StepTrace* trace);
  Result RunWhole(const Batch& batch, int64_t epoch, double learning_rate);
  void AwaitDevice(const StepTrace* trace) const;

  const uint64_t seed_;
  const Precision precision_;
  const double clip_;
  const int64_t accumulate_;
  const torch::Device device_;
  TrainTask& task_;
  Optimizer& optimizer_;
  std::unique_ptr<WholeStep> whole_;  ///< null: every step is a plain one
  ProcessGroup& group_;
  std::optional<GradientReducer> reducer_;  ///< of several ranks
};

}  // namespace mae
