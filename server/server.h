#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/work_queue.h"
#include "server/access.h"
#include "server/audit_log.h"
#include "server/dataset_service.h"
#include "server/infer_statistics.h"
#include "server/inference_service.h"
#include "server/job_service.h"
#include "server/job_summaries.h"
#include "server/job_system.h"
#include "server/metrics.h"
#include "server/metrics_http.h"
#include "server/model_requests.h"
#include "server/model_service.h"
#include "server/model_transfers.h"
#include "server/oip_service.h"
#include "server/server_config.h"
#include "server/server_service.h"

namespace mae {

/// A whole mae_server: the services of mae.v1, the Open Inference Protocol, health and reflection on one gRPC
/// port, metrics over HTTP on another, and the data folder below. Start gives one that takes requests.
/// Thread-safe.
class Server {
 public:
  /// Checks settings and ports before it makes anything, and starts waiting jobs last.
  /// @return INVALID_ARGUMENT (a setting that can't work here, named), UNAVAILABLE (a port is taken),
  /// FAILED_PRECONDITION (the data folder is in use), PERMISSION_DENIED (it can't be written), or what the
  /// stores say.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerConfig& config);
  /// Drains first if nobody did.
  ~Server();

  const std::string& address() const { return address_; }                          ///< HOST:PORT of gRPC
  const std::string& metrics_address() const { return metrics_http_->address(); }  ///< HOST:PORT of HTTP

  /// Reads tokens and certificates again, and ends calls whose token is no more (Access::Reload).
  void Reload() { access_->Reload(); }

  /// Ends the service: not ready, no new job and no new call; calls that run have rpc.drain_seconds, then
  /// they are cancelled; watches end with UNAVAILABLE. Jobs go on, or are stopped first, by jobs.on_shutdown.
  /// Blocks; ends the process if a library hangs. Once only.
  void Drain();

 private:
  explicit Server(const ServerConfig& config) : config_(config), metrics_(MAE_VERSION) {}
  absl::Status MakeJobs();
  absl::Status StartHttp();
  absl::Status StartGrpc();
  void MakeServices();
  void ConfigureGrpc(grpc::ServerBuilder& builder);
  void StopJobs();

  const ServerConfig config_;
  std::atomic<bool> ready_ = false;
  Metrics metrics_;
  InferStatistics statistics_{metrics_};
  std::unique_ptr<Access> access_;
  std::unique_ptr<AuditLog> audit_log_;
  std::unique_ptr<JobSystem> jobs_;
  std::unique_ptr<ModelRequests> model_requests_;
  std::unique_ptr<JobSummaries> summaries_;
  std::unique_ptr<MetricsHttp> metrics_http_;
  std::unique_ptr<JobService> job_service_;
  std::unique_ptr<DatasetService> dataset_service_;
  std::unique_ptr<ModelTransfers> model_transfers_;
  std::unique_ptr<ModelService> model_service_;
  std::unique_ptr<InferenceService> inference_service_;
  std::unique_ptr<OipService> oip_service_;
  std::unique_ptr<ServerService> server_service_;
  // Queued work uses the services, so the queues end before them; calls use the queues, so gRPC ends before
  // those.
  std::unique_ptr<WorkQueue> queue_, inference_queue_;
  std::unique_ptr<grpc::Server> grpc_;
  std::string address_;
};

}  // namespace mae
