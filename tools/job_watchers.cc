#include "tools/job_watchers.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace mae {

class JobWatchers::Stream final : public grpc::ClientReadReactor<v1::JobEvent> {
 public:
  Stream(JobWatchers& owner, int64_t after) : owner_(owner), last_(after) {
    request_.set_name(owner.job_);
    request_.set_after_sequence(after);
  }

  // Not with the owner's lock: gRPC may tell of the end before it returns.
  void Begin() {
    owner_.stub_.async()->WatchJob(&context_, &request_, this);
    StartRead(&event_);
    StartCall();
  }
  void End() { context_.TryCancel(); }  // likewise
  int64_t last() const { return last_; }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    {
      const absl::MutexLock lock(&owner_.mutex_);
      ++owner_.counts_.events;
      if (event_.sequence() != last_ + 1) ++owner_.counts_.out_of_order;
    }
    last_ = event_.sequence();
    StartRead(&event_);
  }
  void OnDone(const grpc::Status& status) override { owner_.Ended(this, status); }

 private:
  JobWatchers& owner_;
  int64_t last_;
  grpc::ClientContext context_;
  v1::WatchJobRequest request_;
  v1::JobEvent event_;
};

JobWatchers::JobWatchers(v1::JobService::Stub& stub, std::string job, int64_t streams)
    : stub_(stub), job_(std::move(job)), ended_(static_cast<size_t>(streams), 0) {
  Renew(0);
}

JobWatchers::~JobWatchers() {
  std::vector<std::shared_ptr<Stream>> all;
  {
    const absl::MutexLock lock(&mutex_);
    all = under_way_;
  }
  for (const auto& stream : all) stream->End();
  const auto ended = [this] {
    mutex_.AssertReaderHeld();
    return under_way_.empty();
  };
  const absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&ended));
}

void JobWatchers::Renew(int64_t count) {
  std::vector<std::shared_ptr<Stream>> oldest, fresh;
  {
    const absl::MutexLock lock(&mutex_);
    const auto number = std::min(static_cast<int64_t>(under_way_.size()), count);
    oldest.assign(under_way_.begin(), under_way_.begin() + number);
    for (const int64_t after : std::exchange(ended_, {}))
      fresh.push_back(std::make_shared<Stream>(*this, after));
    under_way_.insert(under_way_.end(), fresh.begin(), fresh.end());
  }
  for (const auto& stream : oldest) stream->End();
  for (const auto& stream : fresh) stream->Begin();
}

void JobWatchers::Ended(Stream* stream, const grpc::Status& status) {
  std::shared_ptr<Stream> kept;  // until the lock is given back
  const absl::MutexLock lock(&mutex_);
  const auto found = std::find_if(under_way_.begin(), under_way_.end(),
                                  [&](const auto& one) { return one.get() == stream; });
  kept = *found;
  under_way_.erase(found);
  ended_.push_back(stream->last());
  if (status.error_code() == grpc::StatusCode::CANCELLED) return;
  ++counts_.broken;
  counts_.error = status.error_message();
}

JobWatchers::Counts JobWatchers::counts() {
  const absl::MutexLock lock(&mutex_);
  return counts_;
}

}  // namespace mae
