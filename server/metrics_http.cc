#include "server/metrics_http.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <prometheus/text_serializer.h>
#include <spdlog/spdlog.h>

#include <array>
#include <string_view>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "base/catch_all.h"
#include "base/joined_thread.h"
#include "server/listen_address.h"
#include "server/listen_rules.h"

namespace mae {
namespace {

// Nothing of the page is from elsewhere, and nothing elsewhere may show it in a frame.
constexpr char kSecurityPolicy[] =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
// A connection holds a thread from its first byte on, whoever made it: so there are many threads, and a
// request must be there as a whole soon. Who sends a byte now and then needs as many connections as there are
// threads.
constexpr char kThreads[] = "32";
constexpr char kRequestTimeMs[] = "2000";
// Half of them: who reads an answer slowly leaves threads for the probes.
constexpr int kMaxAnswers = 16;
constexpr absl::Duration kKnockPause = absl::Milliseconds(20);

int Answer(mg_connection* connection, int code, const std::string& type, const std::string& body,
           const char* more_headers = "") {
  mg_printf(
      connection,
      "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n"
      "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nContent-Security-Policy: %s\r\n%s\r\n",
      code, mg_get_response_code_text(connection, code), type.c_str(), body.size(), kSecurityPolicy,
      more_headers);
  mg_write(connection, body.data(), body.size());
  return code;
}

constexpr char kBusy[] = "too many answers are under way; try again in a second\n";
constexpr char kFailed[] = "an error, which is in the server's log\n";

// civetweb, which is C, knows no exceptions: one would end the process.
template <typename F>
int AnswerOrFail(mg_connection* connection, const F& answer) {
  const auto code = CatchAll("HTTP", [&]() -> absl::StatusOr<int> { return answer(); });
  if (code.ok()) return *code;
  spdlog::error("{}: {}", mg_get_request_info(connection)->local_uri, code.status().ToString());
  return Answer(connection, 500, "text/plain", kFailed);
}

// The token in a header "Basic base64(USER:TOKEN)", as "Bearer TOKEN"; other headers as they are.
std::string AsBearer(absl::string_view header) {
  constexpr absl::string_view kBasic = "basic ";
  std::string pair;
  if (!absl::StartsWithIgnoreCase(header, kBasic) ||
      !absl::Base64Unescape(header.substr(kBasic.size()), &pair))
    return std::string(header);
  const size_t colon = pair.find(':');
  return colon == std::string::npos ? "" : absl::StrCat("Bearer ", pair.substr(colon + 1));
}

std::vector<std::string> HeadersOf(const mg_request_info& asked, absl::string_view name) {
  std::vector<std::string> values;
  for (int i = 0; i < asked.num_headers; ++i) {
    const mg_header& header = asked.http_headers[i];
    if (absl::EqualsIgnoreCase(header.name, name)) values.emplace_back(header.value);
  }
  return values;
}

std::vector<std::string> AuthorizationsOf(const mg_request_info& asked) {
  std::vector<std::string> headers = HeadersOf(asked, "authorization");
  for (std::string& header : headers) header = AsBearer(header);
  return headers;
}

// The host of "HOST" or "HOST:PORT"; brackets of an IPv6 address stay.
absl::string_view WithoutPort(absl::string_view host) {
  const size_t colon = host.rfind(':'), bracket = host.rfind(']');
  const bool has_port =
      colon != absl::string_view::npos && (bracket == absl::string_view::npos || colon > bracket);
  return has_port ? host.substr(0, colon) : host;
}

bool IsAddress(absl::string_view host) {
  in6_addr address;
  if (absl::ConsumePrefix(&host, "[") && absl::ConsumeSuffix(&host, "]"))
    return inet_pton(AF_INET6, std::string(host).c_str(), &address) == 1;
  return inet_pton(AF_INET, std::string(host).c_str(), &address) == 1;
}

constexpr char kForeignHost[] =
    "this server is asked under a name that is not its own, as a page does that wants to read it through a "
    "browser (DNS rebinding); ask by IP address or as localhost, or let the proxy in between send "
    "\"Host: localhost\"; with auth (docs/security.md) any name is taken\n";

bool IsProbe(std::string_view path) { return path == "/healthz" || path == "/readyz"; }

}  // namespace

// Where callers are asked, a stranger's page has no token; and who opens the port to others, opens it to
// others' pages.
MetricsHttp::MetricsHttp(const std::string& address, Sources sources, std::function<bool()> ready,
                         std::unique_ptr<const StatusPage> page, const CallGate* gate)
    : sources_(std::move(sources)),
      ready_(std::move(ready)),
      page_(std::move(page)),
      gate_(gate),
      own_name_(HostOf(address)),
      checks_host_(gate == nullptr && IsLoopback(address)) {}

absl::StatusOr<std::unique_ptr<MetricsHttp>> MetricsHttp::Start(const std::string& address, Sources sources,
                                                                std::function<bool()> ready,
                                                                std::unique_ptr<const StatusPage> page,
                                                                const CallGate* gate) {
  std::unique_ptr<MetricsHttp> http(
      new MetricsHttp(address, std::move(sources), std::move(ready), std::move(page), gate));
  const std::string host = address.substr(0, address.rfind(':'));
  // civetweb takes addresses only.
  const std::string port_option =
      host == "localhost" ? absl::StrCat("127.0.0.1", address.substr(host.size())) : address;
  const char* options[] = {"listening_ports",    port_option.c_str(), "num_threads", kThreads,
                           "request_timeout_ms", kRequestTimeMs,      nullptr};
  mg_callbacks callbacks = {};
  callbacks.begin_request = &MetricsHttp::RefuseStrangers;
  mg_init_data init = {&callbacks, http.get(), options};
  std::array<char, 256> text = {};
  unsigned code = 0;
  mg_error_data error = {&code, text.data(), text.size()};
  http->context_ = mg_start2(&init, &error);
  if (http->context_ == nullptr) {
    return absl::UnavailableError(absl::StrCat("can't listen on ", address, " for metrics: ", text.data(),
                                               "; is the port taken? choose another with --metrics-listen"));
  }
  mg_server_port port = {};
  if (mg_get_server_ports(http->context_, 1, &port) != 1) {
    mg_stop(std::exchange(http->context_, nullptr));
    return absl::InternalError("civetweb listens on no port");
  }
  http->address_ = absl::StrCat(host, ":", port.port);
  mg_set_request_handler(http->context_, "/metrics$", &MetricsHttp::AnswerMetrics, http.get());
  mg_set_request_handler(http->context_, "/healthz$", &MetricsHttp::AnswerHealth, http.get());
  mg_set_request_handler(http->context_, "/readyz$", &MetricsHttp::AnswerReady, http.get());
  if (http->page_ != nullptr) {
    for (const char* paths : {"/$", "/api/**"})
      mg_set_request_handler(http->context_, paths, &MetricsHttp::AnswerPage, http.get());
  }
  return http;
}

MetricsHttp::~MetricsHttp() {
  if (context_ == nullptr) return;
  // civetweb's listener looks at its stop flag when somebody connects, or every two seconds.
  absl::Notification stopped;
  const JoinedThread stopper([&] {
    mg_stop(context_);
    stopped.Notify();
  });
  do {
    Knock();
  } while (!stopped.WaitForNotificationWithTimeout(kKnockPause));
}

void MetricsHttp::Knock() const {
  const size_t colon = address_.rfind(':');
  std::array<char, 128> error;
  mg_connection* const connection =
      mg_connect_client(address_.substr(0, colon).c_str(), std::stoi(address_.substr(colon + 1)), 0,
                        error.data(), error.size());
  if (connection != nullptr) mg_close_connection(connection);
}

// civetweb goes on with the request after a 0.
int MetricsHttp::RefuseStrangers(mg_connection* connection) {
  const auto& self = *static_cast<MetricsHttp*>(mg_get_user_data(mg_get_context(connection)));
  return AnswerOrFail(connection, [&] { return self.Refuse(connection); });
}

// A browser tells by Host which name it took this server for: a stranger's name may stand for 127.0.0.1.
bool MetricsHttp::IsOwnName(absl::string_view host) const {
  const absl::string_view name = WithoutPort(host);
  return IsAddress(name) || absl::EqualsIgnoreCase(name, "localhost") ||
         absl::EqualsIgnoreCase(name, own_name_);
}

int MetricsHttp::Refuse(mg_connection* connection) const {
  const mg_request_info& asked = *mg_get_request_info(connection);
  if (IsProbe(asked.local_uri)) return 0;
  for (const std::string& host : HeadersOf(asked, "host")) {
    if (checks_host_ && !IsOwnName(host)) return Answer(connection, 421, "text/plain", kForeignHost);
  }
  if (gate_ == nullptr) return 0;
  const std::vector<std::string> headers = AuthorizationsOf(asked);
  const absl::Status decided = gate_->CheckWeb({{headers.begin(), headers.end()}, {}}, asked.remote_addr);
  if (decided.ok()) return 0;
  const std::string words = absl::StrCat(std::string(decided.message()), "\n");
  if (absl::IsPermissionDenied(decided)) return Answer(connection, 403, "text/plain", words);
  return Answer(connection, 401, "text/plain", words,
                "WWW-Authenticate: Basic realm=\"mae_server: any name, a token as password\"\r\n");
}

int MetricsHttp::AnswerAmongFew(mg_connection* connection, absl::FunctionRef<int()> answer) {
  const absl::Cleanup leave = [this] { --answering_; };
  if (++answering_ > kMaxAnswers) return Answer(connection, 503, "text/plain", kBusy, "Retry-After: 1\r\n");
  return AnswerOrFail(connection, answer);
}

int MetricsHttp::AnswerMetrics(mg_connection* connection, void* given) {
  auto& self = *static_cast<MetricsHttp*>(given);
  return self.AnswerAmongFew(connection, [&] {
    std::vector<prometheus::MetricFamily> all;
    for (const auto& source : self.sources_) {
      for (auto& family : source->Collect()) all.push_back(std::move(family));
    }
    return Answer(connection, 200, "text/plain; version=0.0.4; charset=utf-8",
                  prometheus::TextSerializer().Serialize(all));
  });
}

int MetricsHttp::AnswerHealth(mg_connection* connection, void*) {
  return Answer(connection, 200, "text/plain", "ok\n");
}

int MetricsHttp::AnswerReady(mg_connection* connection, void* self) {
  const bool ready = static_cast<MetricsHttp*>(self)->ready_();
  return Answer(connection, ready ? 200 : 503, "text/plain", ready ? "ready\n" : "not ready\n");
}

int MetricsHttp::AnswerPage(mg_connection* connection, void* given) {
  auto& self = *static_cast<MetricsHttp*>(given);
  return self.AnswerAmongFew(connection, [&] { return self.ShowPage(connection); });
}

int MetricsHttp::ShowPage(mg_connection* connection) const {
  const mg_request_info& asked = *mg_get_request_info(connection);
  if (std::string_view(asked.request_method) != "GET")
    return Answer(connection, 405, "text/plain", "read-only: only GET\n");
  const auto body = page_->Answer(asked.local_uri);
  if (absl::IsNotFound(body.status()))
    return Answer(connection, 404, "text/plain", absl::StrCat(std::string(body.status().message()), "\n"));
  if (!body.ok()) {
    spdlog::error("{}: {}", asked.local_uri, body.status().ToString());
    return Answer(connection, 500, "text/plain", kFailed);
  }
  return Answer(connection, 200, body->type, body->bytes);
}

}  // namespace mae
