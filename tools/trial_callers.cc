#include "tools/trial_callers.h"

#include <algorithm>
#include <memory>

#include "absl/time/clock.h"

namespace mae {

struct TrialCallers::One {
  int64_t index = 0;
  absl::Time began = absl::Now();
  grpc::ClientContext context;
  v1::ClassifyResponse response;
  // Of a call that is followed by another: until when, and through what.
  absl::Time until = absl::InfinitePast();
  const std::vector<v1::ClassifyRequest>* requests = nullptr;
};

TrialCallers::~TrialCallers() {
  const auto ended = [this] {
    mutex_.AssertReaderHeld();
    return under_way_ == 0;
  };
  const absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&ended));
}

void TrialCallers::Call(int64_t index, const v1::ClassifyRequest& request) {
  auto one = std::make_unique<One>();
  one->index = index;
  Start(std::move(one), request);
}

void TrialCallers::Load(int64_t concurrency, absl::Time until,
                        const std::vector<v1::ClassifyRequest>& requests) {
  for (int64_t i = 0; i < concurrency; ++i) {
    auto one = std::make_unique<One>();
    one->index = next_++;
    one->until = until;
    one->requests = &requests;
    const auto& request = requests[static_cast<size_t>(one->index) % requests.size()];
    Start(std::move(one), request);
  }
}

// gRPC keeps what it is given until the call ends.
void TrialCallers::Start(std::unique_ptr<One> one, const v1::ClassifyRequest& request) {
  one->context.set_deadline(absl::ToChronoTime(one->began + deadline_));
  {
    const absl::MutexLock lock(&mutex_);
    ++under_way_;
  }
  One* kept = one.release();
  stub_.async()->Classify(&kept->context, &request, &kept->response,
                          [this, kept](const grpc::Status& status) { Finish(kept, status); });
}

void TrialCallers::Finish(One* one, const grpc::Status& status) {
  const std::unique_ptr<One> owned(one);
  ended_(one->index, absl::Now() - one->began, status, one->response);
  if (absl::Now() < one->until) Load(1, one->until, *one->requests);
  const absl::MutexLock lock(&mutex_);
  --under_way_;
}

double TrialShare(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

}  // namespace mae
