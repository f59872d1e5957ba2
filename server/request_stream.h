#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "base/work_queue.h"
#include "server/status_to_grpc.h"

namespace mae {

/// The reactor of a bidirectional stream that answers each request with one response, in order. One request
/// of a stream is in flight: the next is read when the answer was written, so a slow reader holds up itself
/// alone. The first request that fails, or that finds the queue full (RESOURCE_EXHAUSTED and a RetryInfo),
/// ends the stream with its status, unless the protocol has a place for errors in its responses. A stream
/// that is cancelled ends with its pending read or write, or when its answer is made. Owns itself, from
/// construction to OnDone.
template <typename Request, typename Response>
class RequestStream final : public grpc::ServerBidiReactor<Request, Response> {
 public:
  /// Blocks for the work; runs on `queue`.
  using Answer = std::function<absl::Status(const Request&, Response&)>;

  /// Puts the error of a request into an empty response, after which the stream goes on.
  using TellError = std::function<void(const Request&, const absl::Status&, Response&)>;

  /// @param tell_error null: an error ends the stream.
  RequestStream(WorkQueue& queue, Answer answer, TellError tell_error = nullptr)
      : queue_(queue), answer_(std::move(answer)), tell_error_(std::move(tell_error)) {
    this->StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {  // the client is done, or gone
      this->Finish(grpc::Status::OK);
      return;
    }
    if (queue_.TryPush([this] { AnswerRequest(); })) return;
    Fail(WithRetryDelay(
        absl::ResourceExhaustedError("the server has as many calls waiting as it allows; send the "
                                     "rest again"),
        absl::Seconds(1)));
  }

  void OnWriteDone(bool ok) override {
    if (ok) {
      this->StartRead(&request_);
    } else {
      this->Finish({grpc::StatusCode::CANCELLED, "the caller has gone"});
    }
  }

  void OnDone() override { delete this; }

 private:
  void AnswerRequest() {
    response_.Clear();
    if (auto status = answer_(request_, response_); !status.ok()) {
      Fail(status);
    } else {
      ++answered_;
      this->StartWrite(&response_);
    }
  }

  void Fail(const absl::Status& status) {
    if (tell_error_ == nullptr) {
      End(status);
      return;
    }
    response_.Clear();
    tell_error_(request_, status, response_);
    ++answered_;
    this->StartWrite(&response_);
  }

  // Says which request it was, and keeps the details.
  void End(const absl::Status& status) {
    absl::Status located(status.code(),
                         absl::StrCat("request ", answered_ + 1, " of the stream: ", status.message()));
    status.ForEachPayload(
        [&](absl::string_view type, const absl::Cord& payload) { located.SetPayload(type, payload); });
    this->Finish(ToGrpc(located));
  }

  WorkQueue& queue_;
  const Answer answer_;
  const TellError tell_error_;
  Request request_;
  Response response_;
  int64_t answered_ = 0;
};

}  // namespace mae
