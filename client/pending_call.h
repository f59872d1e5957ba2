#pragma once

#include <grpcpp/client_context.h>

#include <functional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "client/connection.h"

namespace mae {

/// One unary call that is under way while its caller does something else. Owns its request and its answer;
/// when destroyed before its end it is cancelled and waited for. Not thread-safe.
template <typename Request, typename Response>
class PendingCall {
 public:
  /// Begins a call of a stub's asynchronous half.
  using Begin =
      std::function<void(grpc::ClientContext*, const Request*, Response*, std::function<void(grpc::Status)>)>;

  /// @param connection outlives it.
  PendingCall(const Connection& connection, Request request, const Begin& begin)
      : connection_(connection), request_(std::move(request)) {
    connection_.Prepare(context_);
    begin(&context_, &request_, &response_, [this](const grpc::Status& status) {
      status_ = status;
      ended_.Notify();
    });
  }
  ~PendingCall() {
    context_.TryCancel();
    ended_.WaitForNotification();
  }
  PendingCall(const PendingCall&) = delete;
  PendingCall& operator=(const PendingCall&) = delete;

  /// Waits for the end, which the connection's time-out bounds. Errors as Connection::Call has them.
  absl::Status Wait() {
    ended_.WaitForNotification();
    return status_.ok() ? absl::OkStatus() : connection_.Failure(status_);
  }

  /// After Wait.
  const Response& response() const { return response_; }
  Request TakeRequest() { return std::move(request_); }

 private:
  const Connection& connection_;
  grpc::ClientContext context_;
  Request request_;
  Response response_;
  grpc::Status status_;
  absl::Notification ended_;
};

}  // namespace mae
