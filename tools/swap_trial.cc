#include "tools/swap_trial.h"

#include <cstdio>
#include <map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "mae/v1/model.grpc.pb.h"
#include "tools/trial_callers.h"
#include "tools/trial_images.h"

namespace mae {
namespace {

constexpr int64_t kSwapPictures = 16;
constexpr absl::Duration kSwapDeadline = absl::Seconds(60);

using Logits = std::vector<float>;

/// What became of the calls.
class SwapOutcome {
 public:
  /// @param alone the logits of each picture, by the version's name.
  explicit SwapOutcome(std::map<std::string, std::vector<Logits>> alone) : alone_(std::move(alone)) {}

  void Note(int64_t index, absl::Duration took, const grpc::Status& status,
            const v1::ClassifyResponse& response) {
    const absl::MutexLock lock(&mutex_);
    if (!status.ok()) {
      ++failed_;
      error_ = status.error_message();
      return;
    }
    milliseconds_.push_back(absl::ToDoubleMilliseconds(took));
    const auto& logits = response.classifications(0).logits();
    const auto version = alone_.find(response.model_version());
    const bool is_its_own =
        version != alone_.end() &&
        version->second[static_cast<size_t>(index % kSwapPictures)] == Logits(logits.begin(), logits.end());
    ++(is_its_own ? of_[response.model_version()] : mixed_);
  }

  absl::Status Print(int64_t moves) {
    const absl::MutexLock lock(&mutex_);
    absl::PrintF(
        "moves %d  requests %d  failed %d  of no version %d  p50 %.1f ms  p99 %.1f ms  longest %.1f ms\n",
        moves, static_cast<int64_t>(milliseconds_.size()) + failed_, failed_, mixed_,
        TrialShare(milliseconds_, 0.5), TrialShare(milliseconds_, 0.99), TrialShare(milliseconds_, 1));
    for (const auto& [version, answers] : of_) absl::PrintF("  %s  %d answers\n", version, answers);
    if (failed_ == 0 && mixed_ == 0) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat(failed_, " calls failed, ", mixed_, " answers were of no version. ", error_));
  }

 private:
  const std::map<std::string, std::vector<Logits>> alone_;
  absl::Mutex mutex_;
  std::map<std::string, int64_t> of_ ABSL_GUARDED_BY(mutex_);
  int64_t failed_ ABSL_GUARDED_BY(mutex_) = 0, mixed_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<double> milliseconds_ ABSL_GUARDED_BY(mutex_);
  std::string error_ ABSL_GUARDED_BY(mutex_);
};

absl::Status FromGrpc(const grpc::Status& status) {
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

absl::StatusOr<std::vector<Logits>> AskAlone(v1::InferenceService::Stub& stub, const std::string& version) {
  std::vector<Logits> all;
  for (int64_t i = 0; i < kSwapPictures; ++i) {
    grpc::ClientContext context;
    v1::ClassifyResponse response;
    const auto status = stub.Classify(&context, TrialRequest(version, i), &response);
    if (!status.ok()) return FromGrpc(status);
    const auto& logits = response.classifications(0).logits();
    all.emplace_back(logits.begin(), logits.end());
  }
  return all;
}

absl::Status Move(v1::ModelService::Stub& stub, const std::string& model, int64_t version) {
  grpc::ClientContext context;
  v1::SetAliasRequest request;
  request.set_name("models/" + model);
  request.set_alias("production");
  request.set_version(version);
  v1::Model answer;
  return FromGrpc(stub.SetAlias(&context, request, &answer));
}

// Until the trial's time is over. @return the moves.
absl::StatusOr<int64_t> MoveBackAndForth(const SwapTrial& trial, v1::ModelService::Stub& stub,
                                         absl::Time until) {
  int64_t moves = 0;
  for (; absl::Now() < until; absl::SleepFor(absl::Seconds(trial.every))) {
    const absl::Status moved = Move(stub, trial.model, 1 + moves % 2);
    if (!moved.ok()) return moved;
    ++moves;
  }
  return moves;
}

}  // namespace

absl::Status RunSwapTrial(const SwapTrial& trial) {
  const auto channel = grpc::CreateChannel(trial.server, grpc::InsecureChannelCredentials());
  const auto inference = v1::InferenceService::NewStub(channel);
  const auto models = v1::ModelService::NewStub(channel);
  std::map<std::string, std::vector<Logits>> alone;
  for (const char* number : {"1", "2"}) {
    const std::string version = absl::StrCat("models/", trial.model, "/versions/", number);
    const auto logits = AskAlone(*inference, version);
    if (!logits.ok()) return logits.status();
    alone[version] = *logits;
  }
  std::vector<v1::ClassifyRequest> requests;
  for (int64_t i = 0; i < kSwapPictures; ++i)
    requests.push_back(TrialRequest(trial.model + "@production", i));
  absl::Status moved = Move(*models, trial.model, 2);
  if (!moved.ok()) return moved;
  SwapOutcome outcome(std::move(alone));
  const absl::Time until = absl::Now() + absl::Seconds(trial.seconds);
  absl::StatusOr<int64_t> moves = 0;
  {
    TrialCallers callers(
        *inference, kSwapDeadline,
        [&](int64_t index, absl::Duration took, const grpc::Status& status,
            const v1::ClassifyResponse& response) { outcome.Note(index, took, status, response); });
    callers.Load(trial.concurrency, until, requests);
    moves = MoveBackAndForth(trial, *models, until);
  }
  if (!moves.ok()) return moves.status();
  return outcome.Print(*moves);
}

}  // namespace mae
