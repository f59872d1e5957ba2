#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/connection.h"
#include "client/global_options.h"

namespace mae {

/// One run of mae_client: the global options, and the connection once a verb asks for it. Not thread-safe.
class Session {
 public:
  /// Connects as the options, the environment and the contexts say (client/connection.h). The connection
  /// lives as long as the session.
  absl::StatusOr<const Connection*> Connect();

  /// One unary call on that connection.
  template <typename Service, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                      Response*),
                                const Request& request) {
    const absl::StatusOr<const Connection*> connection = Connect();
    if (!connection.ok()) return connection.status();
    return (*connection)->template Call<Service>(method, request);
  }

  /// A line for people on stderr; nothing with --quiet.
  void Note(absl::string_view line) const;

  /// "mae_client --server X VERB…": a command that a reader can paste, for the server of this run.
  std::string CommandFor(absl::string_view verb_and_arguments) const;

  GlobalOptions options;

 private:
  std::unique_ptr<Connection> connection_;
};

}  // namespace mae
