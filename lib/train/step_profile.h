#pragma once

#include <cstdint>
#include <optional>

#include "job/job_folder.h"
#include "train/job_recorder.h"
#include "train/step_trace.h"

namespace mae {

/// Traces some steps of a run, the first ones left out because they allocate and build what later ones reuse;
/// then writes trace.json into the job's folder and says in words what each phase came to. Training does not
/// end because of it. One thread; the phases of the trace may come from others.
class StepProfile {
 public:
  static constexpr int64_t kWarmUpSteps = 2;

  /// @param steps to trace; 0: none, and no call does anything.
  StepProfile(int64_t steps, const JobFolder& folder, JobRecorder& recorder)
      : folder_(folder), recorder_(recorder), warm_up_(steps > 0 ? kWarmUpSteps : 0), left_(steps) {}

  /// Where phases go now; nullptr while nothing is traced.
  StepTrace* trace() { return trace_ ? &*trace_ : nullptr; }

  /// Before a step waits for its batch.
  /// @param step of the job, from 0.
  void BeginStep(int64_t step);

  /// After all that belongs to a step. With the last one the trace is written.
  void EndStep();

  /// At the end of the run, however it ends: writes a trace that has not all of its steps.
  void Finish();

 private:
  void Write();

  const JobFolder folder_;
  JobRecorder& recorder_;
  int64_t warm_up_, left_;  ///< steps until the trace begins, and then to trace
  int64_t traced_ = 0;
  StepTrace::Clock::time_point begin_;
  std::optional<StepTrace> trace_;
};

}  // namespace mae
