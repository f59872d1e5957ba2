#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/call_status.h"
#include "client/contexts.h"
#include "client/fresh_uuid.h"
#include "client/global_options.h"

namespace mae {

/// Picks the server: --server, else MAE_SERVER, else the context of --context or the one in use, else
/// 127.0.0.1:8500. A context's token and authority go to that context's server alone; --token-file,
/// MAE_TOKEN_FILE, --ca-file, --cert-file and --key-file to any. NOT_FOUND for an unknown context names those
/// there are.
absl::StatusOr<ServerContext> ChooseServer(const GlobalOptions& options, const Contexts& contexts);

/// A channel to one server. Connecting happens with the first call. Thread-safe.
class Connection {
 public:
  /// Reads token, authority and certificate. INVALID_ARGUMENT for a certificate without its key or an
  /// authority. FAILED_PRECONDITION if a token would travel unencrypted to another machine.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const ServerContext& server,
                                                          absl::Duration timeout);

  /// One unary call: `Call<v1::JobService>(&v1::JobService::Stub::GetJob, request)`. Errors as
  /// StatusFromCall.
  template <typename Service, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                      Response*),
                                const Request& request) const {
    grpc::ClientContext context;
    Prepare(context);
    Response response;
    const auto stub = Service::NewStub(channel_);
    const grpc::Status status = ((*stub).*method)(&context, request, &response);
    if (!status.ok()) return Failure(status);
    return response;
  }

  /// Gives a call that is not a stream its deadline, the token and the request id.
  void Prepare(grpc::ClientContext& context) const {
    context.set_deadline(absl::ToChronoTime(absl::Now() + timeout_));
    Authorize(context);
  }
  /// Adds the token and the request id to a call that is made by hand.
  void Authorize(grpc::ClientContext& context) const;
  absl::Status Failure(const grpc::Status& status) const {
    return StatusFromCall(status, address_, timeout_, request_id_);
  }

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const std::string& address() const { return address_; }
  /// A UUID that every call carries as x-request-id, so that the server's log lines of this run are found.
  const std::string& request_id() const { return request_id_; }

 private:
  Connection(std::string address, std::string token, std::shared_ptr<grpc::Channel> channel,
             absl::Duration timeout)
      : address_(std::move(address)),
        token_(std::move(token)),
        channel_(std::move(channel)),
        timeout_(timeout) {}

  const std::string address_;
  const std::string token_;  ///< empty: none
  const std::string request_id_ = FreshUuid();
  const std::shared_ptr<grpc::Channel> channel_;
  const absl::Duration timeout_;
};

}  // namespace mae
