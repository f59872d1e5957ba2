#pragma once

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/catch_all.h"
#include "base/work_queue.h"
#include "server/open_streams.h"
#include "server/status_to_grpc.h"
#include "server/stream_options.h"

namespace mae {

/// A request's place in its stream.
struct StreamPlace {
  int64_t index = 0;  ///< from 0
  absl::Time came;    ///< when it had been read
};

/// The reactor of a bidirectional stream that answers each request with one response. As many requests as its
/// window says are in memory at a time: the next is read when an answer was written, so a slow reader holds
/// up itself alone. The first request that fails, or that finds the queue full (RESOURCE_EXHAUSTED and a
/// RetryInfo), ends the stream with its status, unless the protocol has a place for errors in its responses.
/// A stream that has ended, or was cancelled, begins no further answer, and is finished when those in work
/// are made. One whose server drains reads no more, answers what it has read, and ends UNAVAILABLE. Owns
/// itself, from construction to OnDone.
template <typename Request, typename Response>
class RequestStream final : public grpc::ServerBidiReactor<Request, Response>, private OpenStreams::Stream {
 public:
  /// Blocks for the work; runs on `queue`, for several requests of a window at once.
  using Answer = std::function<absl::Status(const Request&, const StreamPlace&, Response&)>;

  /// Puts the error of a request into an empty response, after which the stream goes on.
  using TellError = std::function<void(const Request&, const absl::Status&, Response&)>;

  /// @param context of the call; its metadata says how the stream is worked on (StreamOptionsOf).
  /// @param tell_error null: an error ends the stream.
  RequestStream(const grpc::CallbackServerContext& context, WorkQueue& queue, OpenStreams& streams,
                Answer answer, TellError tell_error = nullptr)
      : context_(context),
        queue_(queue),
        streams_(streams),
        answer_(std::move(answer)),
        tell_error_(std::move(tell_error)) {
    if (const auto options = StreamOptionsOf(context); options.ok()) {
      options_ = *options;
    } else {
      end_ = options.status();
    }
    // From here on others may drive. Not under the lock: a drain takes that of the streams first.
    const bool drains = streams_.Add(*this);
    {
      const absl::MutexLock lock(&mutex_);
      draining_ = draining_ || drains;
    }
    Drive();
  }

  void OnReadDone(bool ok) override {
    {
      const absl::MutexLock lock(&mutex_);
      reading_ = false;
      if (ok && end_.ok()) {
        window_.push_back(std::move(next_));
        Begin(*window_.back());
      } else {
        reads_ended_ = true;  // the client is done, or gone
        EndIfCancelled();
      }
    }
    Drive();
  }

  void OnWriteDone(bool ok) override {
    {
      const absl::MutexLock lock(&mutex_);
      window_.remove_if([written = writing_](const auto& item) { return item.get() == written; });
      writing_ = nullptr;
      if (!ok && end_.ok()) end_ = CallerHasGone();
    }
    Drive();
  }

  void OnDone() override {
    streams_.Remove(*this);
    delete this;
  }

 private:
  struct Item {
    Request request;
    Response response;
    StreamPlace place;
    absl::Status status;
    bool done = false;
  };

  // Whoever drives keeps the stream: it ends by Finish alone.
  bool BeginDrain() override {
    const absl::MutexLock lock(&mutex_);
    draining_ = true;
    return !std::exchange(driving_, true);
  }
  void GoOn() override { DriveOn(); }

  enum class Step { kNone, kRead, kWrite, kFinish };

  static absl::Status CallerHasGone() { return absl::CancelledError("the caller has gone"); }

  static absl::Status ShutsDown() {
    return absl::UnavailableError("the server shuts down; send what has no answer again");
  }

  void EndIfCancelled() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (end_.ok() && context_.IsCancelled()) end_ = CallerHasGone();
  }

  bool WantsAnswers() ABSL_LOCKS_EXCLUDED(mutex_) {
    const absl::MutexLock lock(&mutex_);
    EndIfCancelled();
    return end_.ok();
  }

  void Begin(Item& item) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    item.place = {read_++, absl::Now()};
    if (queue_.TryPush([this, &item] { AnswerRequest(item); })) {
      ++in_work_;
      return;
    }
    item.status =
        WithRetryDelay(absl::ResourceExhaustedError(
                           "the server has as many calls waiting as it allows; send the rest again"),
                       absl::Seconds(1));
    item.done = true;
  }

  void AnswerRequest(Item& item) {
    const absl::Status status =
        WantsAnswers()
            ? CatchAll("the request", [&] { return answer_(item.request, item.place, item.response); })
            : CallerHasGone();
    {
      const absl::MutexLock lock(&mutex_);
      item.status = status;
      item.done = true;
      --in_work_;
      if (driving_) {  // Whoever drives may end the stream from here on.
        return;
      }
      driving_ = true;
    }
    DriveOn();
  }

  // gRPC may call back from within an operation's start, and none may start after Finish: one thread at a
  // time starts them, without the lock, until nothing is left to start.
  void Drive() {
    {
      const absl::MutexLock lock(&mutex_);
      if (driving_) return;
      driving_ = true;
    }
    DriveOn();
  }

  void DriveOn() {
    while (true) {
      Step step;
      Item* item = nullptr;  // Stays where it is until what is started here has been done.
      grpc::Status finish;
      {
        const absl::MutexLock lock(&mutex_);
        step = NextStep();
        if (step == Step::kNone) {
          driving_ = false;
          return;
        }
        if (step == Step::kFinish) finish = ToGrpc(end_);
        item = step == Step::kRead ? next_.get() : writing_;
      }
      switch (step) {
        case Step::kRead:
          this->StartRead(&item->request);
          break;
        case Step::kWrite:
          this->StartWrite(&item->response);
          break;
        default:
          this->Finish(finish);  // `this` may be gone: `driving_` stays.
          return;
      }
    }
  }

  Step NextStep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (end_.ok() && writing_ == nullptr && ChooseWrite()) return Step::kWrite;
    if (end_.ok() && draining_ && !reads_ended_ && window_.empty()) end_ = ShutsDown();
    if (!end_.ok()) return in_work_ == 0 && writing_ == nullptr ? Step::kFinish : Step::kNone;
    if (!reading_ && !reads_ended_ && !draining_ && static_cast<int64_t>(window_.size()) < options_.window) {
      reading_ = true;
      next_ = std::make_unique<Item>();
      return Step::kRead;
    }
    return reads_ended_ && window_.empty() ? Step::kFinish : Step::kNone;
  }

  // The next answer whose turn it is, to `writing_`; or the error of its request, to `end_`.
  // @return whether there is one to write.
  bool ChooseWrite() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto ready =
        options_.keeps_order
            ? (window_.empty() || !window_.front()->done ? window_.end() : window_.begin())
            : std::find_if(window_.begin(), window_.end(), [](const auto& item) { return item->done; });
    if (ready == window_.end()) return false;
    Item& item = **ready;
    if (!item.status.ok()) {
      if (tell_error_ == nullptr) {
        end_ = WithMessage(item.status, absl::StrCat("request ", item.place.index + 1,
                                                     " of the stream: ", item.status.message()));
        return false;
      }
      item.response.Clear();
      tell_error_(item.request, item.status, item.response);
    }
    writing_ = &item;
    return true;
  }

  const grpc::CallbackServerContext& context_;
  WorkQueue& queue_;
  OpenStreams& streams_;
  const Answer answer_;
  const TellError tell_error_;
  StreamOptions options_;

  absl::Mutex mutex_;
  std::unique_ptr<Item> next_ ABSL_GUARDED_BY(mutex_);               // what is being read
  std::list<std::unique_ptr<Item>> window_ ABSL_GUARDED_BY(mutex_);  // in the order of the requests
  Item* writing_ ABSL_GUARDED_BY(mutex_) = nullptr;                  // of the window
  bool reading_ ABSL_GUARDED_BY(mutex_) = false, reads_ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool driving_ ABSL_GUARDED_BY(mutex_) = false, draining_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t in_work_ ABSL_GUARDED_BY(mutex_) = 0, read_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status end_ ABSL_GUARDED_BY(mutex_);  // not OK: what the stream ends with
};

}  // namespace mae
