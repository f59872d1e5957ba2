#include "client/connection.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/durable_file.h"
#include "base/status_macros.h"

namespace mae {
namespace {

constexpr char kDefaultServer[] = "127.0.0.1:8500";
constexpr int kMaxMessageBytes = 256 << 20;
constexpr int64_t kMaxSecretBytes = 1 << 20;
constexpr absl::Duration kLeastConnectPatience = absl::Seconds(5);
constexpr absl::Duration kMostConnectPatience = absl::Minutes(2);

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

absl::StatusOr<ServerContext> NamedContext(const GlobalOptions& options, const Contexts& contexts) {
  const std::string& name = options.context.empty() ? contexts.current : options.context;
  if (name.empty()) return ServerContext{kDefaultServer, "", ""};
  const auto found = contexts.by_name.find(name);
  if (found != contexts.by_name.end()) return found->second;
  const std::string known = absl::StrJoin(
      contexts.by_name, ", ", [](std::string* out, const auto& entry) { absl::StrAppend(out, entry.first); });
  return absl::NotFoundError(
      absl::StrCat("no context '", name, "' (there are: ", known.empty() ? "none" : known,
                   "): make it with `mae_client config set ", name, " --server HOST:PORT`"));
}

// By the name alone: "127.example.com" is a host of anybody.
bool IsLoopback(absl::string_view address) {
  const absl::string_view host = address.substr(0, address.rfind(':'));
  const bool is_number = host.find_first_not_of("0123456789.") == absl::string_view::npos;
  return (is_number && absl::StartsWith(host, "127.")) || host == "localhost" || host == "[::1]" ||
         absl::StartsWith(address, "unix:");
}

// gRPC gives an attempt to connect as long as this. A server that is busy answers late: as long as a call
// would wait for it, an attempt does too. One that refuses is told at once.
int ConnectPatienceMs(absl::Duration timeout) {
  const absl::Duration patience = std::clamp(timeout, kLeastConnectPatience, kMostConnectPatience);
  return static_cast<int>(absl::ToInt64Milliseconds(patience));
}

grpc::ChannelArguments ArgumentsFor(const std::string& address, absl::Duration timeout) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  // gRPC's defaults (1 s, growing to 120 s) would keep a watch from seeing a server that is back.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, ConnectPatienceMs(timeout));
  // A server that has gone without a word is noticed within the minute, also by calls that only wait.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  if (IsLoopback(address)) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return arguments;
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsFrom(const ServerContext& server) {
  if (server.cert_file.empty() != server.key_file.empty())
    return absl::InvalidArgumentError("--cert-file and --key-file: give both, or none");
  if (server.ca_file.empty()) {
    if (server.cert_file.empty()) return grpc::InsecureChannelCredentials();
    return absl::InvalidArgumentError(
        "--cert-file: is for TLS; give the server's authority with --ca-file FILE");
  }
  grpc::SslCredentialsOptions options;
  MAE_ASSIGN_OR_RETURN(options.pem_root_certs, ReadFile(server.ca_file, kMaxSecretBytes));
  if (server.cert_file.empty()) return grpc::SslCredentials(options);
  MAE_ASSIGN_OR_RETURN(options.pem_cert_chain, ReadFile(server.cert_file, kMaxSecretBytes));
  MAE_ASSIGN_OR_RETURN(options.pem_private_key, ReadFile(server.key_file, kMaxSecretBytes));
  return grpc::SslCredentials(options);
}

absl::StatusOr<std::string> TokenFrom(const ServerContext& server) {
  if (server.token_file.empty()) return "";
  if (server.ca_file.empty() && !IsLoopback(server.server)) {
    return absl::FailedPreconditionError(absl::StrCat("the token of ", server.token_file,
                                                      " would travel unencrypted to ", server.server,
                                                      ": give the server's authority with --ca-file FILE"));
  }
  MAE_ASSIGN_OR_RETURN(const std::string text, ReadFile(server.token_file, kMaxSecretBytes));
  return std::string(absl::StripAsciiWhitespace(text));
}

}  // namespace

absl::StatusOr<ServerContext> ChooseServer(const GlobalOptions& options, const Contexts& contexts) {
  const bool context_asked = options.server.empty() && !options.context.empty();
  const std::string named = !options.server.empty() ? options.server
                            : context_asked         ? ""
                                                    : Environment("MAE_SERVER");
  ServerContext server{named, "", ""};
  if (named.empty()) {
    MAE_ASSIGN_OR_RETURN(server, NamedContext(options, contexts));
  }
  const std::string token = options.token_file.empty() ? Environment("MAE_TOKEN_FILE") : options.token_file;
  if (!token.empty()) server.token_file = token;
  if (!options.ca_file.empty()) server.ca_file = options.ca_file;
  if (!options.cert_file.empty()) server.cert_file = options.cert_file;
  if (!options.key_file.empty()) server.key_file = options.key_file;
  return server;
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const ServerContext& server,
                                                             absl::Duration timeout) {
  MAE_ASSIGN_OR_RETURN(const auto credentials, CredentialsFrom(server));
  MAE_ASSIGN_OR_RETURN(std::string token, TokenFrom(server));
  auto channel = grpc::CreateCustomChannel(server.server, credentials, ArgumentsFor(server.server, timeout));
  return std::unique_ptr<Connection>(
      new Connection(server.server, std::move(token), std::move(channel), timeout));
}

void Connection::Authorize(grpc::ClientContext& context) const {
  context.AddMetadata("x-request-id", request_id_);
  if (!token_.empty()) context.AddMetadata("authorization", "Bearer " + token_);
}

}  // namespace mae
