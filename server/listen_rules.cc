#include "server/listen_rules.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "server/listen_address.h"

namespace mae {
namespace {

constexpr char kDangerFlag[] = "--insecure-listen-for-everybody";
// Another one: where the metrics port must be open, gRPC need not be, and stays shut if auth gets lost.
constexpr char kMetricsDangerFlag[] = "--insecure-metrics-listen-for-everybody";

bool IsLoopbackAddress(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  return address.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

absl::Status CheckTogether(const ServerConfig& config) {
  const auto& tls = config.tls;
  if (tls.certificate.empty() != tls.key.empty())
    return absl::InvalidArgumentError("tls.certificate and tls.key: give both, or none");
  if (!tls.client_ca.empty() && tls.certificate.empty())
    return absl::InvalidArgumentError("tls.client_ca: needs tls.certificate and tls.key");
  if (config.auth.certificates.empty() == tls.client_ca.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "auth.certificates says what the certificates that tls.client_ca has signed may do: give both, or "
      "none");
}

absl::Status CheckGrpc(const ServerConfig& config) {
  const std::string where = absl::StrCat("--listen: ", config.listen, " can be reached from elsewhere, ");
  if (AsksCallers(config)) {
    if (!config.tls.certificate.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(where,
                     "and tokens would travel unencrypted; set tls.certificate and tls.key, or listen on "
                     "127.0.0.1"));
  }
  if (config.insecure_listen_for_everybody) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(where,
                   "where everybody could train, read and delete; set tls.certificate, tls.key and "
                   "auth.tokens (docs/security.md), listen on 127.0.0.1, or give ",
                   kDangerFlag));
}

absl::Status CheckMetrics(const ServerConfig& config) {
  if (config.insecure_metrics_listen_for_everybody) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--metrics-listen: ", config.metrics_listen,
      " can be reached from elsewhere, and this port has no TLS; listen on 127.0.0.1 with a proxy "
      "in front that has, or give ",
      kMetricsDangerFlag));
}

// Also of loopback: a machine has users, and a setting that got lost is seen nowhere else.
std::string NobodyIsAsked(const ServerConfig& config) {
  const bool is_loopback = IsLoopback(config.listen);
  return absl::StrCat(config.listen, " asks nobody who they are",
                      is_loopback ? "" : absl::StrCat(" (", kDangerFlag, ")"), ": everybody ",
                      is_loopback ? "on this machine" : "who can reach it",
                      " can train, read and delete; auth.tokens makes it ask (docs/operations/secure.md)");
}

}  // namespace

bool IsLoopback(const std::string& address) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (getaddrinfo(HostOf(address).c_str(), nullptr, &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (!IsLoopbackAddress(*each->ai_addr)) return false;
  }
  return true;
}

bool AsksCallers(const ServerConfig& config) {
  return !config.auth.tokens.empty() || !config.auth.certificates.empty();
}

absl::StatusOr<std::vector<std::string>> CheckListenRules(const ServerConfig& config) {
  MAE_RETURN_IF_ERROR(CheckTogether(config));
  std::vector<std::string> warnings;
  if (!IsLoopback(config.listen)) MAE_RETURN_IF_ERROR(CheckGrpc(config));
  if (!AsksCallers(config)) warnings.push_back(NobodyIsAsked(config));
  if (!IsLoopback(config.metrics_listen)) {
    MAE_RETURN_IF_ERROR(CheckMetrics(config));
    const char* const danger = AsksCallers(config) ? "tokens for it travel unencrypted"
                                                   : "everybody who can reach it sees jobs and models";
    warnings.push_back(
        absl::StrCat(config.metrics_listen, " has no TLS (", kMetricsDangerFlag, "): ", danger));
  }
  return warnings;
}

}  // namespace mae
