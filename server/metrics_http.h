#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/call_gate.h"
#include "server/status_page.h"

struct mg_context;
struct mg_connection;

namespace mae {

/// HTTP beside gRPC: /metrics in Prometheus' text format, /healthz (200 while the process answers) and
/// /readyz (200 while it takes requests, else 503); with a StatusPage also / and /api. Everything else is
/// 404; no file is served. With a gate all but the two probes need a token of a role of kWebRoles, as a
/// bearer token or as the password of any user (Basic): else 401 or 403. Thread-safe.
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
  MetricsHttp(Sources sources, std::function<bool()> ready, std::unique_ptr<const StatusPage> page,
              const CallGate* gate)
      : sources_(std::move(sources)), ready_(std::move(ready)), page_(std::move(page)), gate_(gate) {}
  void Knock() const;
  int Refuse(mg_connection* connection) const;
  int ShowPage(mg_connection* connection) const;
  // Called by civetweb: nothing is thrown out of them.
  static int RefuseStrangers(mg_connection* connection);
  static int AnswerMetrics(mg_connection* connection, void* self);
  static int AnswerHealth(mg_connection* connection, void* self);
  static int AnswerReady(mg_connection* connection, void* self);
  static int AnswerPage(mg_connection* connection, void* self);

  const Sources sources_;
  const std::function<bool()> ready_;
  const std::unique_ptr<const StatusPage> page_;
  const CallGate* const gate_;
  mg_context* context_ = nullptr;
  std::string address_;
};

}  // namespace mae
