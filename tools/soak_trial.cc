#include "tools/soak_trial.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/joined_thread.h"
#include "base/status_macros.h"
#include "inference/grpc_service.grpc.pb.h"
#include "tools/job_watchers.h"
#include "tools/process_sample.h"
#include "tools/trial_callers.h"
#include "tools/trial_images.h"

namespace mae {
namespace {

constexpr double kTimeNoiseMs = 50;
constexpr int64_t kSoakPictures = 64, kPeakConcurrency = 64, kRenewedASecond = 10;
constexpr absl::Duration kHealthDeadline = absl::Seconds(5), kPeakTime = absl::Seconds(10),
                         kReportEvery = absl::Seconds(30);

/// What became of the calls, since the last time that it was asked.
class Answers {
 public:
  void Note(absl::Duration took, const grpc::Status& status) {
    const absl::MutexLock lock(&mutex_);
    if (status.ok()) milliseconds_.push_back(absl::ToDoubleMilliseconds(took));
    ++codes_[status.error_code()];
  }
  TrialCallers::Ended Noting() {
    return [this](int64_t, absl::Duration took, const grpc::Status& status, const v1::ClassifyResponse&) {
      Note(took, status);
    };
  }

  struct Taken {
    std::vector<double> milliseconds;  ///< of those that were answered
    std::map<int, int64_t> codes;
  };
  Taken Take() {
    const absl::MutexLock lock(&mutex_);
    return {std::exchange(milliseconds_, {}), std::exchange(codes_, {})};
  }

 private:
  absl::Mutex mutex_;
  std::vector<double> milliseconds_ ABSL_GUARDED_BY(mutex_);
  std::map<int, int64_t> codes_ ABSL_GUARDED_BY(mutex_);
};

double PeakRate(v1::InferenceService::Stub& stub, const std::vector<v1::ClassifyRequest>& requests) {
  Answers answers;
  {
    TrialCallers callers(stub, absl::Seconds(60), answers.Noting());
    callers.Load(kPeakConcurrency, absl::Now() + kPeakTime, requests);
  }
  return static_cast<double>(answers.Take().milliseconds.size()) / absl::ToDoubleSeconds(kPeakTime);
}

bool IsHealthy(inference::GRPCInferenceService::Stub& stub) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kHealthDeadline));
  inference::ServerReadyResponse response;
  return stub.ServerReady(&context, inference::ServerReadyRequest(), &response).ok() && response.ready();
}

int64_t MedianOf(const std::vector<ProcessSample>& samples, size_t from, size_t until,
                 int64_t ProcessSample::*what) {
  std::vector<int64_t> values;
  for (size_t i = from; i < until; ++i) values.push_back(samples[i].*what);
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

/// What a soak has seen so far, and what of it must not be.
class Findings {
 public:
  explicit Findings(double warm_up) : warm_(static_cast<size_t>(warm_up)) {}

  void Look(double times, bool healthy, const ProcessSample& sample) {
    unhealthy_ += healthy ? 0 : 1;
    now_ = sample;
    if (++looks_ > warm_) samples_[times].push_back(sample);
  }

  void Report(absl::Duration since, double times, Answers& answers, const JobWatchers::Counts& watched) {
    auto taken = answers.Take();
    std::vector<std::string> codes;
    for (const auto& [code, count] : taken.codes) {
      codes.push_back(absl::StrCat("code ", code, ": ", count));
      if (!IsExpected(code)) ++unexpected_[code];
    }
    const double median = TrialShare(taken.milliseconds, 0.5);
    absl::PrintF(
        "%5.0f s  x %g  %d MiB  %d threads  %d descriptors  p50 %.0f ms  p99 %.0f ms  %s  events %d  "
        "not healthy %d\n",
        absl::ToDoubleSeconds(since), times, now_.resident_kib / 1024, now_.threads, now_.descriptors, median,
        TrialShare(taken.milliseconds, 0.99), absl::StrJoin(codes, ", "), watched.events, unhealthy_);
    fflush(stdout);
    silent_ += taken.milliseconds.empty() ? 1 : 0;
    if (looks_ > warm_) medians_[times].push_back(median);
  }

  absl::Status Judge(const JobWatchers::Counts& watched) {
    Refuse(unhealthy_ > 0, absl::StrCat(unhealthy_, " health checks failed"));
    Refuse(silent_ > 0, absl::StrCat("nothing was answered in ", silent_, " of the half minutes"));
    Refuse(watched.events == 0, "no event was watched");
    Refuse(watched.out_of_order > 0, absl::StrCat(watched.out_of_order, " events were missed or came twice"));
    Refuse(watched.broken > 0,
           absl::StrCat(watched.broken, " streams broke, the last with: ", watched.error));
    for (const auto& [times, samples] : samples_) {
      Compare(times, samples, "KiB of memory", &ProcessSample::resident_kib, 1.05, 0);
      Compare(times, samples, "descriptors", &ProcessSample::descriptors, 1.05, 8);
      Compare(times, samples, "threads", &ProcessSample::threads, 1, 2);
    }
    for (const auto& [code, half_minutes] : unexpected_)
      Refuse(true,
             absl::StrCat("calls ended with code ", code, " in ", half_minutes, " of the half minutes"));
    for (const auto& [times, medians] : medians_) CompareTime(times, medians);
    return reasons_.empty() ? absl::OkStatus() : absl::FailedPreconditionError(absl::StrJoin(reasons_, "; "));
  }

 private:
  static bool IsExpected(int code) {
    return code == grpc::StatusCode::OK || code == grpc::StatusCode::RESOURCE_EXHAUSTED ||
           code == grpc::StatusCode::DEADLINE_EXCEEDED;
  }
  void CompareTime(double times, const std::vector<double>& medians) {
    const auto middle = medians.begin() + static_cast<int64_t>(medians.size()) / 2;
    std::vector<double> before(medians.begin(), middle), after(middle, medians.end());
    if (before.empty()) return;
    const double first = TrialShare(before, 0.5), last = TrialShare(after, 0.5);
    absl::PrintF("milliseconds of an answer, x %g: %.0f in the first half, %.0f in the second\n", times,
                 first, last);
    Refuse(last > 2 * first + kTimeNoiseMs, absl::StrCat("from ", first, " to ", last, " ms an answer"));
  }
  void Refuse(bool wrong, const std::string& reason) {
    if (wrong) reasons_.push_back(reason);
  }
  // The server is held against itself at the same rate.
  void Compare(double times, const std::vector<ProcessSample>& samples, const char* what,
               int64_t ProcessSample::*member, double factor, int64_t more) {
    const size_t quarter = std::max<size_t>(samples.size() / 4, 1);
    const int64_t first = MedianOf(samples, 0, quarter, member);
    const int64_t last = MedianOf(samples, samples.size() - quarter, samples.size(), member);
    absl::PrintF("%s, x %g: %d after the warm-up, %d at the end\n", what, times, first, last);
    Refuse(static_cast<double>(last) > factor * static_cast<double>(first) + static_cast<double>(more),
           absl::StrCat("from ", first, " to ", last, " ", what));
  }

  const size_t warm_;  // in looks, one a second
  size_t looks_ = 0;
  ProcessSample now_;
  std::map<double, std::vector<ProcessSample>> samples_;  // after the warm-up, by rate
  int64_t unhealthy_ = 0, silent_ = 0;
  std::map<int, int64_t> unexpected_;              // half minutes, by code
  std::map<double, std::vector<double>> medians_;  // of half minutes after the warm-up, by rate
  std::vector<std::string> reasons_;
};

// So many calls a second, whether they are answered or not.
void SendUntil(const absl::Notification& stop, const std::atomic<double>& rate, TrialCallers& callers,
               const std::vector<v1::ClassifyRequest>& requests) {
  int64_t sent = 0;
  for (absl::Time next = absl::Now(); !stop.HasBeenNotified(); next += absl::Seconds(1 / rate), ++sent) {
    absl::SleepFor(next - absl::Now());
    callers.Call(sent, requests[static_cast<size_t>(sent) % requests.size()]);
  }
}

}  // namespace

absl::Status RunSoakTrial(const SoakTrial& trial) {
  const auto channel = grpc::CreateChannel(trial.server, grpc::InsecureChannelCredentials());
  const auto inference = v1::InferenceService::NewStub(channel);
  const auto health = inference::GRPCInferenceService::NewStub(channel);
  const auto jobs = v1::JobService::NewStub(channel);
  std::vector<v1::ClassifyRequest> requests;
  for (int64_t i = 0; i < kSoakPictures; ++i) requests.push_back(TrialRequest(trial.model, i));
  const double peak = PeakRate(*inference, requests);
  if (peak <= 0) return absl::UnavailableError("the server answered nothing");
  absl::PrintF("%.0f calls a second are answered; %s times that are sent, half a minute of each\n", peak,
               absl::StrJoin(trial.times, ", "));

  Answers answers;
  Findings findings(trial.warm_up);
  JobWatchers watchers(*jobs, trial.job, trial.watchers);
  TrialCallers callers(*inference, absl::Seconds(trial.deadline), answers.Noting());
  absl::Notification stop;
  size_t turn = 0;
  std::atomic<double> rate = peak * trial.times.front();
  const absl::Time begin = absl::Now(), end = begin + absl::Seconds(trial.warm_up + trial.seconds);
  absl::Time report = begin + kReportEvery;
  absl::StatusOr<ProcessSample> sample = ProcessSample();
  {
    const JoinedThread sender([&] { SendUntil(stop, rate, callers, requests); });
    for (absl::Time next = begin; next <= end && sample.ok(); next += absl::Seconds(1)) {
      absl::SleepFor(next - absl::Now());
      const bool healthy = IsHealthy(*health);
      sample = SampleProcess(trial.pid);
      if (sample.ok()) findings.Look(trial.times[turn], healthy, *sample);
      watchers.Renew(kRenewedASecond);
      if (absl::Now() < report) continue;
      findings.Report(absl::Now() - begin, trial.times[turn], answers, watchers.counts());
      report += kReportEvery;
      turn = (turn + 1) % trial.times.size();
      rate = peak * trial.times[turn];
    }
    stop.Notify();
  }
  MAE_RETURN_IF_ERROR(sample.status());
  return findings.Judge(watchers.counts());
}

}  // namespace mae
