#include "train/step_profile.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/durable_file.h"

namespace mae {
namespace {

std::string TableOf(const StepTrace& trace) {
  std::string table =
      absl::StrFormat("%-14s %6s %12s %8s %12s", "phase", "count", "total ms", "share", "median ms");
  for (const auto& phase : trace.Summaries()) {
    absl::StrAppendFormat(&table, "\n%-14s %6d %12.2f %6.1f %% %12.3f", phase.name, phase.count,
                          phase.total_ms, 100.0 * phase.share, phase.median_ms);
  }
  return table;
}

}  // namespace

void StepProfile::BeginStep(int64_t step) {
  if (left_ == 0 || warm_up_ > 0) return;
  if (!trace_) trace_.emplace();
  trace_->BeginStep(step);
  begin_ = StepTrace::Clock::now();
}

void StepProfile::EndStep() {
  if (left_ == 0) return;
  if (warm_up_ > 0) {
    --warm_up_;
    return;
  }
  trace_->Add("step", StepTrace::kTraining, begin_, StepTrace::Clock::now());
  ++traced_;
  if (--left_ == 0) Write();
}

void StepProfile::Finish() {
  if (left_ == 0) return;
  left_ = 0;
  if (traced_ > 0) {
    Write();
  } else {
    recorder_.Warning(
        absl::StrCat("no profile: the run ended with no step done after the first ", kWarmUpSteps));
  }
}

void StepProfile::Write() {
  const absl::Status written = WriteFileDurably(folder_.trace(), trace_->ToJson());
  if (!written.ok()) recorder_.Error(absl::StrCat("no trace of this profile: ", written.ToString()));
  if (trace_->dropped() > 0) {
    recorder_.Warning(
        absl::StrCat("the trace has no room for ", trace_->dropped(), " more events; profile fewer steps"));
  }
  recorder_.Info(absl::StrCat("profile of ", traced_, " steps, in ", folder_.trace().filename().string(),
                              ":\n", TableOf(*trace_)));
  trace_.reset();
}

}  // namespace mae
