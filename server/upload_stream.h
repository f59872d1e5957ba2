#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/catch_all.h"
#include "server/status_to_grpc.h"
#include "server/transfer_place.h"

namespace mae {

/// A client stream: reads a message, takes it on the queue, reads the next, and completes after the last.
/// Owns itself, from construction to OnDone. A client that sends nothing for `limits.stall` has its call
/// ended, as has one that takes longer than `limits.whole`.
///
/// `Upload` has `absl::Status Take(const Request&)`, called once a message, in order, and `kGivenUp`, a
/// sentence for who was given up: what became of what had come. Take, `complete` and the destructor never run
/// at once, and not on a thread of gRPC's.
template <typename Request, typename Response, typename Upload>
class UploadStream final : public grpc::ServerReadReactor<Request> {
 public:
  using IsCancelled = std::function<bool()>;
  using Complete = std::function<absl::Status(Upload& upload, const IsCancelled&, Response& response)>;

  /// @param transfers outlives the stream. @param make of the upload: its constructor's arguments.
  template <typename... Arguments>
  UploadStream(Transfers& transfers, grpc::CallbackServerContext* context, Response* response,
               Complete complete, Arguments&&... make)
      : transfers_(transfers),
        context_(context),
        response_(response),
        complete_(std::move(complete)),
        place_(transfers),
        upload_(std::in_place, std::forward<Arguments>(make)...) {
    if (place_.taken()) {
      Read();
    } else {
      this->Finish(ToGrpc(place_.TooMany()));
    }
  }

  void OnReadDone(bool ok) override {
    if (!transfers_.watch.TakeBack(waiting_)) return;  // Stalled, and finished.
    Queue([this, ok] { ok ? Take() : End(); });
  }

  // Removing files may wait for the disk; a call that was refused has none.
  void OnDone() override {
    if (!place_.taken() || !transfers_.queue.TryPush([this] { delete this; })) delete this;
  }

 private:
  void Queue(std::function<void()> work) {
    if (!transfers_.queue.TryPush(std::move(work))) this->Finish(ToGrpc(place_.TooMany()));
  }

  void Read() {
    waiting_ = transfers_.watch.Add(place_.Patience(), [this] { this->Finish(ToGrpc(GivenUp())); });
    this->StartRead(&request_);
  }

  absl::Status GivenUp() const {
    const auto& limits = transfers_.limits;
    return absl::DeadlineExceededError(absl::StrCat(
        place_.TimeIsUp() ? absl::StrCat("it took more than ", absl::FormatDuration(limits.whole))
                          : absl::StrCat("no message came for ", absl::FormatDuration(limits.stall)),
        "; ", Upload::kGivenUp));
  }

  void Take() {
    const absl::Status taken = CatchAll("the upload", [this] { return upload_->Take(request_); });
    if (taken.ok()) {
      Read();
    } else {
      PutAway(ToGrpc(taken));
    }
  }

  void End() {
    const IsCancelled is_cancelled = [this] { return context_->IsCancelled(); };
    if (is_cancelled()) return PutAway({grpc::StatusCode::CANCELLED, "the caller has gone"});
    PutAway(ToGrpc(CatchAll("the upload", [&] { return complete_(*upload_, is_cancelled, *response_); })));
  }

  // Before the client hears of the end: its next call may be about the same.
  void PutAway(const grpc::Status& status) {
    upload_.reset();
    this->Finish(status);
  }

  Transfers& transfers_;
  grpc::CallbackServerContext* const context_;
  Response* const response_;
  const Complete complete_;
  const TransferPlace place_;
  std::optional<Upload> upload_;  ///< none: put away
  Request request_;
  int64_t waiting_ = 0;
};

}  // namespace mae
