#include "client/call_status.h"

#include <grpcpp/support/status.h>

#include <algorithm>
#include <functional>
#include <initializer_list>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace mae {
namespace {

constexpr char kDetailsUrl[] = "type.googleapis.com/google.rpc.Status";

/// gRPC's own words are long ("failed to connect to all addresses; last error: UNKNOWN: ipv4:…: Failed to
/// connect to remote host: Connection refused"); the last part is what people need.
std::string ShortReason(const std::string& message) {
  const size_t colon = message.rfind(": ");
  return colon == std::string::npos ? message : message.substr(colon + 2);
}

bool NeverConnected(const grpc::Status& status) {
  const std::string& message = status.error_message();
  return absl::StrContains(message, "failed to connect") || absl::StrContains(message, "DNS resolution");
}

bool SaysAny(absl::string_view message, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char* w) { return absl::StrContains(message, w); });
}

/// Somebody was reached, so that starting a server is no help: what to do about TLS. By the words of gRPC's
/// TLS (tsi/ssl_transport_security.cc) and of OpenSSL; empty where it is not that.
std::string AdviceOnTls(absl::string_view message) {
  if (absl::StrContains(message, "is not in peer certificate"))
    return "its certificate is for other names: give one of those with --server HOST:PORT";
  if (absl::StrContains(message, "certificate verify failed")) {
    return "its certificate is not trusted: give the authority that signed it with --ca-file FILE, unless it "
           "has expired";
  }
  if (absl::StrContains(message, "wrong version number"))
    return "it does not speak TLS, which --ca-file asks for: is it the right port?";
  if (SaysAny(message, {"Ssl handshake failed", "SSL routines", "SSL_ERROR"}))
    return "TLS with it failed: see --ca-file, --cert-file and --key-file";
  if (SaysAny(message, {"Socket closed", "Connection reset", "Broken pipe", "Endpoint read failed"})) {
    return "it closed the connection: if it uses TLS, give its authority with --ca-file FILE, and a "
           "certificate that it trusts where it wants one";
  }
  return "";
}

std::string MessageForNoConnection(const std::string& message, absl::string_view address) {
  const std::string reason = ShortReason(message);
  if (const std::string advice = AdviceOnTls(message); !advice.empty())
    return absl::StrCat(address, " was reached, but ", advice, " (", reason, ")");
  return absl::StrCat("no server at ", address, " (", reason, "): start one with `mae_server --listen ",
                      address, "`, or name another with --server HOST:PORT");
}

std::string MessageFor(const grpc::Status& status, absl::string_view address, absl::Duration timeout) {
  const bool unavailable = status.error_code() == grpc::StatusCode::UNAVAILABLE;
  if (unavailable && NeverConnected(status)) return MessageForNoConnection(status.error_message(), address);
  if (unavailable) return absl::StrCat(address, " is unavailable: ", status.error_message());
  // gRPC's own words; a server that gave something up says what.
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED &&
      status.error_message() == "Deadline Exceeded") {
    return absl::StrCat(address, " did not answer within ", absl::FormatDuration(timeout),
                        ": allow more with --timeout SECONDS");
  }
  // The server says what is lacking, not how this program gives it.
  if (status.error_code() == grpc::StatusCode::UNAUTHENTICATED) {
    return absl::StrCat(address, " refused the call: ", status.error_message(),
                        ": give a token with --token-file FILE (or MAE_TOKEN_FILE), or a certificate with "
                        "--cert-file and --key-file");
  }
  if (status.error_code() == grpc::StatusCode::PERMISSION_DENIED &&
      absl::StrContains(status.error_message(), " needs the role ")) {
    return absl::StrCat(status.error_message(), ": use a token or certificate that has it, or ask who runs ",
                        address);
  }
  return status.error_message();
}

/// Of these the server's log has a warning, with the request id, among what led to it.
bool IsServersFault(grpc::StatusCode code) {
  return code == grpc::StatusCode::INTERNAL || code == grpc::StatusCode::UNKNOWN ||
         code == grpc::StatusCode::DATA_LOSS;
}

google::rpc::Status DetailsOf(const absl::Status& status) {
  google::rpc::Status details;
  if (const auto payload = status.GetPayload(kDetailsUrl)) details.ParseFromString(std::string(*payload));
  return details;
}

template <typename Detail>
Detail Find(const google::rpc::Status& details) {
  Detail found;
  for (const auto& any : details.details()) {
    if (any.Is<Detail>() && any.UnpackTo(&found)) return found;
  }
  return Detail();
}

using Rename = std::function<std::string(const std::string& field)>;

std::string RenameInMessage(absl::string_view message, const Rename& rename) {
  std::vector<std::string> lines = absl::StrSplit(message, '\n');
  for (std::string& line : lines) {
    const size_t colon = line.find(": ");
    if (colon != std::string::npos) line = rename(line.substr(0, colon)) + line.substr(colon);
  }
  return absl::StrJoin(lines, "\n");
}

absl::Status RenameFields(const absl::Status& status, const Rename& rename) {
  if (status.ok() || !IsFromServer(status)) return status;
  google::rpc::Status details = DetailsOf(status);
  for (auto& any : *details.mutable_details()) {
    google::rpc::BadRequest bad_request;
    if (!any.UnpackTo(&bad_request)) continue;
    for (auto& violation : *bad_request.mutable_field_violations()) {
      violation.set_field(rename(violation.field()));
    }
    any.PackFrom(bad_request);
  }
  absl::Status renamed(status.code(), RenameInMessage(status.message(), rename));
  renamed.SetPayload(kDetailsUrl, absl::Cord(details.SerializeAsString()));
  return renamed;
}

// The i of a field images[i].
std::optional<size_t> IndexOfImage(const std::string& field) {
  size_t index = 0;
  const size_t end = field.find(']');
  if (!absl::StartsWith(field, "images[") || end == std::string::npos) return std::nullopt;
  if (!absl::SimpleAtoi(field.substr(7, end - 7), &index)) return std::nullopt;
  return index;
}

std::string NameOfImage(const std::string& field, const std::vector<std::string>& names) {
  const auto index = IndexOfImage(field);
  return index.has_value() && *index < names.size() ? names[*index] : field;
}

}  // namespace

absl::Status StatusFromCall(const grpc::Status& status, absl::string_view address, absl::Duration timeout,
                            absl::string_view request_id) {
  if (status.ok()) return absl::OkStatus();
  std::string message = MessageFor(status, address, timeout);
  if (IsServersFault(status.error_code()))
    absl::StrAppend(&message, "\nthe log of ", address, " has this call as request_id ", request_id);
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), message);
  result.SetPayload(kDetailsUrl, absl::Cord(status.error_details()));
  return result;
}

bool IsFromServer(const absl::Status& status) { return status.GetPayload(kDetailsUrl).has_value(); }

std::string DescribeFailure(const absl::Status& status) {
  const google::rpc::Status details = DetailsOf(status);
  std::vector<std::string> lines = {std::string(status.message())};
  const auto bad_request = Find<google::rpc::BadRequest>(details);
  for (const auto& violation : bad_request.field_violations()) {
    if (absl::StrContains(status.message(), violation.description())) continue;
    lines.push_back(absl::StrCat(violation.field(), ": ", violation.description()));
  }
  const auto delay = Find<google::rpc::RetryInfo>(details).retry_delay();
  if (delay.seconds() > 0 || delay.nanos() > 0) {
    const absl::Duration wait = absl::Seconds(delay.seconds()) + absl::Nanoseconds(delay.nanos());
    lines.push_back(absl::StrCat("try again in ", absl::FormatDuration(wait)));
  }
  return absl::StrJoin(lines, "\n");
}

absl::Status NameImages(const absl::Status& status, const std::vector<std::string>& names) {
  return RenameFields(status, [&](const std::string& field) { return NameOfImage(field, names); });
}

std::optional<size_t> ImageAtFault(const absl::Status& status) {
  const auto bad_request = Find<google::rpc::BadRequest>(DetailsOf(status));
  for (const auto& violation : bad_request.field_violations()) {
    if (const auto index = IndexOfImage(violation.field())) return index;
  }
  return std::nullopt;
}

absl::Status NameOptions(const absl::Status& status, const std::map<std::string, std::string>& options) {
  return RenameFields(status, [&](const std::string& field) {
    const auto option = options.find(field);
    return option == options.end() ? field : option->second;
  });
}

}  // namespace mae
