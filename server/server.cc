#include "server/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "runtime/device.h"
#include "server/admission_metrics.h"
#include "server/device_metrics.h"
#include "server/hard_end.h"
#include "server/host_metrics.h"
#include "server/inference_inputs.h"
#include "server/job_curves.h"
#include "server/job_metrics.h"
#include "server/listen_address.h"
#include "server/listen_rules.h"
#include "server/metrics_interceptor.h"
#include "server/model_metrics.h"
#include "server/process_metrics.h"
#include "serving/precision_check.h"

namespace mae {
namespace {

constexpr int64_t kMiB = 1 << 20;
constexpr int64_t kConnectionGraceMs = 3'600'000;  // of calls on one that is too old
constexpr absl::Duration kPatience = absl::Seconds(15);

InferenceLimits LimitsOf(const ServerConfig& config) {
  return {config.inference.max_images, config.inference.max_image_pixels, config.rpc.max_message_mib * kMiB,
          std::make_shared<DecodedMemory>(config.inference.max_decoded_mib * kMiB)};
}

v1::ServerInfo FactsOf(const ServerConfig& config, const std::string& metrics_address) {
  v1::ServerInfo facts;
  facts.set_version(MAE_VERSION);
  facts.set_data_dir(config.data_dir.string());
  facts.set_metrics_address(metrics_address);
  v1::ServerInfo::Limits& limits = *facts.mutable_limits();
  limits.set_job_slots(static_cast<int32_t>(config.jobs.slots));
  limits.set_max_queued_jobs(static_cast<int32_t>(config.jobs.max_queued));
  limits.set_max_message_bytes(config.rpc.max_message_mib * kMiB);
  limits.set_max_images_per_request(static_cast<int32_t>(config.inference.max_images));
  limits.set_max_image_pixels(config.inference.max_image_pixels);
  limits.set_max_request_pixels(MaxRequestPixels(LimitsOf(config)));
  return facts;
}

// What a setting's text alone does not tell.
absl::Status CheckSettings(const ServerConfig& config) {
  const auto device = ResolveDevice(config.inference.device);
  if (!device.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("inference.device: ", std::string(device.status().message())));
  }
  const absl::Status runs =
      CheckPrecisionRuns(PrecisionNamed(config.inference.precision), *device, HasFastBf16(*device));
  if (!runs.ok()) return absl::InvalidArgumentError(absl::StrCat("inference.", std::string(runs.message())));
  const std::filesystem::path& trainer = config.jobs.trainer;
  std::error_code ignored;  // What can't be looked at can't be run either.
  if (std::filesystem::is_regular_file(trainer, ignored) && access(trainer.c_str(), X_OK) == 0)
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("jobs.trainer: ", trainer.string(),
                   " is no program that can be run; set it to the mae_trainer binary, which is built beside "
                   "mae_server, with --set jobs.trainer=PATH"));
}

std::unique_ptr<WorkQueue> MakeQueue(int64_t threads, int64_t max_waiting) {
  return std::make_unique<WorkQueue>(static_cast<int>(threads), static_cast<int>(max_waiting));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerConfig& config) {
  MAE_RETURN_IF_ERROR(CheckSettings(config));
  MAE_RETURN_IF_ERROR(CheckCanListen(config.listen, "--listen"));
  MAE_RETURN_IF_ERROR(CheckCanListen(config.metrics_listen, "--metrics-listen"));
  MAE_ASSIGN_OR_RETURN(const auto warnings, CheckListenRules(config));
  SetComputeThreads(config.inference.compute_threads);
  std::unique_ptr<Server> server(new Server(config));
  MAE_ASSIGN_OR_RETURN(server->access_, Access::Open(config, server->metrics_));
  MAE_RETURN_IF_ERROR(server->MakeJobs());
  MAE_RETURN_IF_ERROR(server->StartHttp());
  server->MakeServices();
  MAE_RETURN_IF_ERROR(server->StartGrpc());
  server->ready_ = true;
  server->jobs_->supervisor().ReleaseQueue();
  for (const std::string& warning : warnings) spdlog::warn("{}", warning);
  return server;
}

Server::~Server() {
  if (grpc_ != nullptr) Drain();
}

absl::Status Server::MakeJobs() {
  MAE_ASSIGN_OR_RETURN(jobs_, JobSystem::Open(config_, statistics_));
  model_requests_ = std::make_unique<ModelRequests>(
      jobs_->models(), statistics_, LimitsOf(config_),
      Admission::Limits{config_.inference.max_queued_images, config_.inference.forward_threads});
  const AuditLog::Settings audit = {config_.audit.max_file_mib * kMiB, config_.audit.keep_files};
  MAE_ASSIGN_OR_RETURN(audit_log_, AuditLog::Open(config_.data_dir / "audit.log", audit));
  return absl::OkStatus();
}

absl::Status Server::StartHttp() {
  summaries_ = std::make_unique<JobSummaries>(jobs_->ledger());
  const JobMetrics::Options jobs = {absl::Seconds(config_.metrics.ended_job_seconds),
                                    config_.metrics.max_jobs};
  MetricsHttp::Sources sources = {
      metrics_.registry(),
      std::make_shared<JobMetrics>(jobs, jobs_->ledger(), jobs_->table(), *summaries_),
      std::make_shared<ModelMetrics>(jobs_->models()),
      std::make_shared<AdmissionMetrics>(model_requests_->admission(), jobs_->models()),
      std::make_shared<HostMetrics>(config_.data_dir),
      std::make_shared<DeviceMetrics>(),
      std::make_shared<ProcessMetrics>()};
  if (auto certificates = access_->CertificateSeries()) sources.push_back(std::move(certificates));
  auto page = config_.metrics.page ? std::make_unique<const StatusPage>(jobs_->ledger(), jobs_->table(),
                                                                        *summaries_, jobs_->models())
                                   : nullptr;
  MAE_ASSIGN_OR_RETURN(metrics_http_,
                       MetricsHttp::Start(
                           config_.metrics_listen, std::move(sources), [this] { return ready_.load(); },
                           std::move(page), access_->gate()));
  return absl::OkStatus();
}

void Server::MakeServices() {
  queue_ = MakeQueue(config_.rpc.threads, config_.rpc.max_waiting);
  inference_queue_ = MakeQueue(config_.inference.threads, config_.inference.max_waiting);
  job_service_ = std::make_unique<JobService>(jobs_->manager(), jobs_->hub(), *queue_);
  DatasetUploadLimits uploads;
  uploads.reserve = config_.disk.reserve_mib * kMiB;
  dataset_service_ = std::make_unique<DatasetService>(
      jobs_->datasets(), *queue_,
      [jobs = &jobs_->manager()](const std::string& dataset) { return jobs->JobsOn(dataset); },
      TransferLimits(), uploads);
  model_transfers_ =
      std::make_unique<ModelTransfers>(jobs_->models(), config_.data_dir / "transfers",
                                       CurvesFrom(jobs_->ledger()), config_.disk.reserve_mib * kMiB);
  model_service_ = std::make_unique<ModelService>(
      jobs_->models(), *queue_, *inference_queue_, *model_transfers_,
      [jobs = &jobs_->manager()](const std::string& version) { return jobs->JobsFrom(version); });
  inference_service_ = std::make_unique<InferenceService>(*model_requests_, *inference_queue_);
  oip_service_ = std::make_unique<OipService>(
      *model_requests_, *queue_, *inference_queue_,
      OipService::Facts{MAE_VERSION, config_.inference, [this] { return ready_.load(); }});
  server_service_ =
      std::make_unique<ServerService>(FactsOf(config_, metrics_http_->address()), jobs_->datasets(), *queue_);
}

void Server::ConfigureGrpc(grpc::ServerBuilder& builder) {
  const int max_message = static_cast<int>(config_.rpc.max_message_mib * kMiB);
  builder.SetMaxReceiveMessageSize(max_message);
  builder.SetMaxSendMessageSize(max_message);
  // A compressed message would be inflated before its limit acts, a thousandfold: calls that have one are
  // UNIMPLEMENTED, and whatever comes of them on the way there stays as it is.
  for (const auto algorithm : {GRPC_COMPRESS_DEFLATE, GRPC_COMPRESS_GZIP})
    builder.SetCompressionAlgorithmSupportStatus(algorithm, false);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  // A message is buffered whole before its limit acts, so what all take together has a limit too.
  grpc::ResourceQuota quota("mae_server");
  quota.Resize(static_cast<size_t>(config_.rpc.memory_mib * kMiB));
  builder.SetResourceQuota(quota);
  // Otherwise a second server on the same port starts without an error and takes half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  const auto& rpc = config_.rpc;
  const auto argument = [&](const char* name, int64_t value) {
    builder.AddChannelArgument(name, static_cast<int>(value));
  };
  argument(GRPC_ARG_MAX_CONCURRENT_STREAMS, rpc.max_streams);
  argument(GRPC_ARG_MAX_METADATA_SIZE, rpc.max_header_kib << 10);
  argument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, rpc.handshake_seconds * 1000);
  if (rpc.max_connection_seconds > 0) {
    argument(GRPC_ARG_MAX_CONNECTION_AGE_MS, rpc.max_connection_seconds * 1000);
    argument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, kConnectionGraceMs);
  }
  // A client that has gone without a word is noticed within the minute; its own pings may come as often.
  argument(GRPC_ARG_KEEPALIVE_TIME_MS, rpc.keepalive_seconds * 1000);
  argument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(std::make_unique<MetricsInterceptorFactory>(metrics_));
  interceptors.push_back(access_->Interceptors(*audit_log_));
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  grpc::Service* const services[] = {job_service_.get(),       dataset_service_.get(), model_service_.get(),
                                     inference_service_.get(), oip_service_.get(),     server_service_.get()};
  for (grpc::Service* service : services) builder.RegisterService(service);
}

absl::Status Server::StartGrpc() {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(config_.listen, access_->GrpcCredentials(), &port);
  ConfigureGrpc(builder);
  grpc_ = builder.BuildAndStart();
  if (grpc_ == nullptr || port == 0) {
    grpc_ = nullptr;
    return absl::UnavailableError(
        absl::StrCat("--listen: can't listen on ", config_.listen, "; choose another with --listen"));
  }
  address_ = absl::StrCat(config_.listen.substr(0, config_.listen.rfind(':')), ":", port);
  return absl::OkStatus();
}

void Server::StopJobs() {
  const absl::Duration grace = absl::Seconds(config_.jobs.stop_grace_seconds) + kPatience;
  jobs_->manager().StopAll();
  const absl::Status idle = jobs_->supervisor().WaitUntilIdle(absl::Now() + grace);
  if (!idle.ok()) spdlog::warn("{}; they go on without the server", idle.ToString());
}

void Server::Drain() {
  const bool stop_jobs = config_.jobs.on_shutdown == "stop";
  const absl::Duration drain = absl::Seconds(config_.rpc.drain_seconds);
  const absl::Duration stop =
      stop_jobs ? absl::Seconds(config_.jobs.stop_grace_seconds) + kPatience : absl::ZeroDuration();
  const HardEnd hard_end(drain + stop + kPatience);
  ready_ = false;
  if (auto* health = grpc_->GetHealthCheckService()) health->SetServingStatus(false);
  jobs_->manager().RefuseNewJobs();
  model_requests_->streams().Drain();
  if (stop_jobs) StopJobs();
  jobs_->hub().Close();
  grpc_->Shutdown(std::chrono::system_clock::now() + absl::ToChronoNanoseconds(drain));
  grpc_->Wait();
  grpc_ = nullptr;
}

}  // namespace mae
