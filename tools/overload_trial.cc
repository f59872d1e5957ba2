#include "tools/overload_trial.h"

#include <cstdio>
#include <map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "tools/trial_callers.h"
#include "tools/trial_images.h"

namespace mae {
namespace {

constexpr int64_t kOverloadPictures = 64, kConcurrency = 64;
constexpr double kOverloadWarmUp = 2, kLeastGoodput = 0.9, kLongestRefusal = 50;  // s, of the peak, ms

/// What became of the calls that ended inside the measured time.
class OverloadOutcome {
 public:
  explicit OverloadOutcome(double seconds)
      : from_(absl::Now() + absl::Seconds(kOverloadWarmUp)), until_(from_ + absl::Seconds(seconds)) {}

  absl::Time until() const { return until_; }

  void Note(absl::Duration took, const grpc::Status& status) {
    const absl::Time now = absl::Now();
    const absl::MutexLock lock(&mutex_);
    if (now < from_ || now > until_) return;
    (status.ok() ? answered_ : refused_[status.error_code()]).push_back(absl::ToDoubleMilliseconds(took));
  }

  double Rate() {
    const absl::MutexLock lock(&mutex_);
    return static_cast<double>(answered_.size()) / absl::ToDoubleSeconds(until_ - from_);
  }

  /// Milliseconds; 0 without any. Calls that ended by their deadline are not refusals.
  double RefusalP99() {
    const absl::MutexLock lock(&mutex_);
    const auto it = refused_.find(grpc::StatusCode::RESOURCE_EXHAUSTED);
    return it == refused_.end() ? 0 : TrialShare(it->second, 0.99);
  }

  void Print(const char* what) {
    const double rate = Rate();
    const absl::MutexLock lock(&mutex_);
    absl::PrintF("%-24s answered/s %.1f  p50 %.1f ms  p99 %.1f ms\n", what, rate, TrialShare(answered_, 0.5),
                 TrialShare(answered_, 0.99));
    for (auto& [code, refused] : refused_) {
      absl::PrintF("  code %-2d  %d calls  p50 %.1f ms  p99 %.1f ms  longest %.1f ms\n", code, refused.size(),
                   TrialShare(refused, 0.5), TrialShare(refused, 0.99), TrialShare(refused, 1));
    }
  }

 private:
  const absl::Time from_, until_;
  absl::Mutex mutex_;
  std::vector<double> answered_ ABSL_GUARDED_BY(mutex_);
  std::map<int, std::vector<double>> refused_ ABSL_GUARDED_BY(mutex_);
};

TrialCallers::Ended NotedBy(OverloadOutcome& outcome) {
  return [&outcome](int64_t, absl::Duration took, const grpc::Status& status, const v1::ClassifyResponse&) {
    outcome.Note(took, status);
  };
}

}  // namespace

absl::Status RunOverloadTrial(const OverloadTrial& trial) {
  const auto channel = grpc::CreateChannel(trial.server, grpc::InsecureChannelCredentials());
  const auto stub = v1::InferenceService::NewStub(channel);
  std::vector<v1::ClassifyRequest> requests;
  for (int64_t i = 0; i < kOverloadPictures; ++i) requests.push_back(TrialRequest(trial.model, i));
  OverloadOutcome peak(trial.seconds);
  {
    TrialCallers callers(*stub, absl::Seconds(60), NotedBy(peak));
    callers.Load(kConcurrency, peak.until(), requests);
  }
  peak.Print("64 calls under way");
  if (peak.Rate() <= 0) return absl::UnavailableError("the server answered nothing");
  const absl::Duration pause = absl::Seconds(1 / (peak.Rate() * trial.times));
  OverloadOutcome outcome(trial.seconds);
  int64_t sent = 0;
  {
    TrialCallers callers(*stub, absl::Seconds(trial.deadline), NotedBy(outcome));
    for (absl::Time next = absl::Now(); next < outcome.until(); next += pause, ++sent) {
      absl::SleepFor(next - absl::Now());
      callers.Call(sent, requests[static_cast<size_t>(sent % kOverloadPictures)]);
    }
  }
  outcome.Print(absl::StrFormat("%.0f calls a second", peak.Rate() * trial.times).c_str());
  const double goodput = outcome.Rate() / peak.Rate(), refusal = outcome.RefusalP99();
  absl::PrintF("  %.0f %% of the peak\n", 100 * goodput);
  if (goodput >= kLeastGoodput && refusal <= kLongestRefusal) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrFormat(
      "%.0f %% of the peak were answered and refusals took %.1f ms (p99); at least %.0f %% and at "
      "most %.0f ms are right",
      100 * goodput, refusal, 100 * kLeastGoodput, kLongestRefusal));
}

}  // namespace mae
