#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/call_gate.h"
#include "server/status_page.h"

struct mg_context;
struct mg_connection;

namespace mae {

/// HTTP beside gRPC: /metrics in Prometheus' text format, /healthz (200 while the process answers) and
/// /readyz (200 while it takes requests, else 503); with a StatusPage also / and /api. Everything else is
/// 404; no file is served. With a gate all but the two probes need a token of a role of kWebRoles, as a
/// bearer token or as the password of any user (Basic): else 401 or 403. Without one, and on loopback, all
/// but the two probes are answered only under a Host that is an IP address, localhost or the host of the
/// address, or under none: else 421. A request must be there as a whole within 2 s; 32 are read at a time, 16
/// answered, further ones but probes get 503. Thread-safe.
class MetricsHttp {
 public:
  using Sources = std::vector<std::shared_ptr<prometheus::Collectable>>;

  /// Listens from then on. UNAVAILABLE if the port is taken, INVALID_ARGUMENT for an address that is none.
  /// @param address HOST:PORT, an IP address; port 0 picks a free one.
  /// @param ready called on HTTP threads; must not block.
  /// @param page called likewise, but may block; null: none.
  /// @param gate outlives it; null: everybody may read everything.
  static absl::StatusOr<std::unique_ptr<MetricsHttp>> Start(const std::string& address, Sources sources,
                                                            std::function<bool()> ready,
                                                            std::unique_ptr<const StatusPage> page = nullptr,
                                                            const CallGate* gate = nullptr);
  /// Waits for requests that are being answered.
  ~MetricsHttp();

  /// HOST:PORT with the port that it listens on.
  const std::string& address() const { return address_; }

 private:
  MetricsHttp(const std::string& address, Sources sources, std::function<bool()> ready,
              std::unique_ptr<const StatusPage> page, const CallGate* gate);
  void Knock() const;
  bool IsOwnName(absl::string_view host) const;
  int Refuse(mg_connection* connection) const;
  int AnswerAmongFew(mg_connection* connection, absl::FunctionRef<int()> answer);
  int ShowPage(mg_connection* connection) const;
  // Called by civetweb: nothing is thrown out of them.
  static int RefuseStrangers(mg_connection* connection);
  static int AnswerMetrics(mg_connection* connection, void* given);
  static int AnswerHealth(mg_connection* connection, void* self);
  static int AnswerReady(mg_connection* connection, void* self);
  static int AnswerPage(mg_connection* connection, void* given);

  const Sources sources_;
  const std::function<bool()> ready_;
  const std::unique_ptr<const StatusPage> page_;
  const CallGate* const gate_;
  const std::string own_name_;
  const bool checks_host_;          ///< whether a page of a stranger could read this server through a browser
  std::atomic<int> answering_ = 0;  ///< answers under way, those of probes left out
  mg_context* context_ = nullptr;
  std::string address_;
};

}  // namespace mae
