#include "server/server.h"

#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/sqlite.h"
#include "inference/grpc_service.grpc.pb.h"
#include "mae/v1/model.grpc.pb.h"
#include "mae/v1/server.grpc.pb.h"
#include "server/metrics.h"
#include "tests/fakes/random_model.h"
#include "tests/fakes/status_matchers.h"
#include "tests/server/server_fixture.h"
#include "tests/server/taken_port.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;
using testing::Not;
using v1::Job;

using ServerLifeTest = ServerTest;

TEST_F(ServerLifeTest, TellsItsFacts) {
  StartServer({"jobs.slots=3", "inference.max_decoded_mib=1"});
  grpc::ClientContext context;
  v1::ServerInfo info;
  ASSERT_TRUE(v1::ServerService::NewStub(channel_)->GetServerInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.limits().job_slots(), 3);
  EXPECT_EQ(info.limits().max_message_bytes(), 64 << 20);
  EXPECT_EQ(info.limits().max_request_pixels(), (1 << 20) / 4);
  EXPECT_EQ(info.metrics_address(), server_->metrics_address());
  EXPECT_EQ(info.version(), MAE_VERSION);
}

TEST_F(ServerLifeTest, MakesADataFolderForItsUserAlone) {
  const auto data = temp_ / "made";
  const auto server = Server::Start(Config({absl::StrCat("data_dir=", data.string())}));
  ASSERT_THAT(server, IsOk());
  EXPECT_EQ(std::filesystem::status(data).permissions(), std::filesystem::perms::owner_all);
}

// Eight megabytes that are eight kilobytes on the way.
TEST_F(ServerLifeTest, ACompressedMessageIsNotInflated) {
  StartServer({"rpc.max_message_mib=1"});
  for (const auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    grpc::ClientContext context;
    context.set_compression_algorithm(algorithm);
    v1::GetJobRequest request;
    request.set_name(std::string(8 << 20, '0'));
    Job job;
    const grpc::Status status = jobs_->GetJob(&context, request, &job);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr("is disabled"));
  }
}

TEST_F(ServerLifeTest, SpeaksTheOpenInferenceProtocolOnTheSamePort) {
  StartServer();
  const auto stub = inference::GRPCInferenceService::NewStub(channel_);
  grpc::ClientContext asks_ready, asks_metadata, asks_model;
  inference::ServerReadyResponse ready;
  ASSERT_TRUE(stub->ServerReady(&asks_ready, {}, &ready).ok());
  EXPECT_TRUE(ready.ready());
  inference::ServerMetadataResponse metadata;
  ASSERT_TRUE(stub->ServerMetadata(&asks_metadata, {}, &metadata).ok());
  EXPECT_EQ(metadata.version(), MAE_VERSION);
  inference::ModelInferResponse answer;
  inference::ModelInferRequest request;
  request.set_model_name("nothing");
  EXPECT_EQ(stub->ModelInfer(&asks_model, request, &answer).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(HttpGet("/metrics"), HasSubstr("mae_infer_requests_total{code=\"NOT_FOUND\""));
}

TEST_F(ServerLifeTest, AnIdleStreamIsToldOfTheShutdown) {
  StartServer();
  const auto stub = inference::GRPCInferenceService::NewStub(channel_);
  grpc::ClientContext context;
  const auto stream = stub->ModelStreamInfer(&context);
  inference::ModelInferRequest request;
  request.set_model_name("nothing");
  inference::ModelStreamInferResponse response;
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_THAT(response.error_message(), HasSubstr("nothing"));
  DropServer();
  EXPECT_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("shuts down"));
}

TEST_F(ServerLifeTest, ATakenPortIsAnErrorNotASharedOne) {
  StartServer();
  const auto second = Server::Start(Config(
      {absl::StrCat("listen=", server_->address()), absl::StrCat("data_dir=", (temp_ / "other").string())}));
  EXPECT_THAT(second, StatusIs(StatusCode::kUnavailable, HasSubstr(server_->address())));
  const auto third = Server::Start(Config({absl::StrCat("metrics_listen=", server_->metrics_address()),
                                           absl::StrCat("data_dir=", (temp_ / "third").string())}));
  EXPECT_THAT(third, StatusIs(StatusCode::kUnavailable, HasSubstr(server_->metrics_address())));
}

TEST_F(ServerLifeTest, AServerThatCannotListenStartsNoJob) {
  StartServer();
  const std::string running = MustCreate().name(), waiting = MustCreate().name();
  WaitUntilRunning(running);
  DropServer();
  Kill(running);  // Its slot is free for the next server.
  const TakenPort taken;
  for (const char* setting : {"listen", "metrics_listen"}) {
    EXPECT_THAT(Server::Start(Config({absl::StrCat(setting, "=", taken.address())})),
                StatusIs(StatusCode::kUnavailable));
  }
  EXPECT_FALSE(std::filesystem::exists(Folder(waiting).log())) << "a trainer was started";
  StartServer();
  WaitUntilRunning(waiting);
}

// Between the look at the ports and gRPC's own bind another process may be faster.
TEST_F(ServerLifeTest, WaitingJobsAreHeldUntilTheServerListens) {
  StartServer();
  const std::string running = MustCreate().name(), waiting = MustCreate().name();
  WaitUntilRunning(running);
  DropServer();
  Kill(running);
  Metrics metrics("test");
  auto system = JobSystem::Open(Config(), metrics);
  ASSERT_THAT(system, IsOk());
  // The supervisor goes round once for every end of a job: it has looked at the queue by then.
  ASSERT_THAT((*system)->supervisor().WaitUntilIdle(absl::Now() + absl::Minutes(1)), IsOk());
  EXPECT_EQ((*system)->table().Find(JobIdOf(waiting).value())->state, JobState::kQueued);
  *system = nullptr;
  StartServer();
  WaitUntilRunning(waiting);
}

TEST_F(ServerLifeTest, ADataFolderServesOneServer) {
  StartServer();
  EXPECT_THAT(Server::Start(Config()),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("in use by another server")));
  DropServer();
  StartServer();
}

TEST_F(ServerLifeTest, ADataFolderThatCannotBeMadeIsNamed) {
  std::ofstream(temp_ / "file") << "in the way";
  const std::string path = (temp_ / "file" / "data").string();
  EXPECT_THAT(Server::Start(Config({absl::StrCat("data_dir=", path)})),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr(path)));
  EXPECT_THAT(Server::Start(Config({"data_dir=/proc/mae"})),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("/proc/mae")));
}

TEST_F(ServerLifeTest, MetricsTellOfCallsJobsAndTheProcess) {
  StartServer();
  const std::string name = MustCreate("clothes").name();
  const int64_t running = WaitUntilRunning(name);
  Tell(name, "metrics 30 0.125");
  Tell(name, "checkpoint 30");
  Watch(name, running, [](const auto& event) { return event.has_checkpoint(); });
  const std::string labels =
      absl::StrCat("{job=\"", name.substr(5), "\",kind=\"pretrain\",model=\"clothes\"} ");
  int code = 0;
  const std::string text = HttpGet("/metrics", &code);
  EXPECT_EQ(code, 200);
  EXPECT_THAT(text, HasSubstr("mae_jobs{state=\"FAILED\"} 0"));
  EXPECT_THAT(text, HasSubstr(absl::StrCat("mae_train_loss", labels, "0.125")));
  EXPECT_THAT(text, HasSubstr(absl::StrCat("mae_train_step", labels, "30")));
  EXPECT_THAT(text, HasSubstr(absl::StrCat("mae_train_checkpoint_age_seconds", labels)));
  EXPECT_THAT(text, HasSubstr("mae_job_info{"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handled_total{grpc_code=\"OK\",grpc_method=\"CreateJob\","
                              "grpc_service=\"mae.v1.JobService\"} 1"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handling_seconds_count{"));
  EXPECT_THAT(text, HasSubstr(absl::StrCat("mae_build_info{version=\"", MAE_VERSION, "\"} 1")));
  for (const char* series : {"process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds_total",
                             "process_start_time_seconds"}) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("\n", series, " ")));
  }
}

TEST_F(ServerLifeTest, ACheckpointFromBeforeThisRunOfTheJobIsNotOld) {
  StartServer();
  const std::string name = MustCreate("clothes").name();
  const int64_t running = WaitUntilRunning(name);
  Tell(name, "checkpoint 30");
  Watch(name, running, [](const auto& event) { return event.has_checkpoint(); });
  const auto db = Database::Open(Config().data_dir / name / "job.db", Database::Mode::kReadWrite);
  ASSERT_TRUE(db.ok());
  ASSERT_TRUE(
      (*db)->Execute("UPDATE events SET time_us = time_us - 86400000000 WHERE kind = 'checkpoint'").ok());
  const std::string text = HttpGet("/metrics");
  const size_t line = text.find("\nmae_train_checkpoint_age_seconds{");
  ASSERT_NE(line, std::string::npos);
  EXPECT_LT(std::stod(text.substr(text.find("} ", line) + 2)), 80'000);
}

TEST_F(ServerLifeTest, AJobThatEndedKeepsItsSeriesForTheTimeThatIsSet) {
  StartServer({"metrics.ended_job_seconds=3600"});
  const std::string name = MustCreate("clothes").name();
  WaitUntilRunning(name);
  Tell(name, "metrics 30 0.125");
  Tell(name, "fail no luck");
  WaitForEnd(name);
  const std::string id = name.substr(5);
  const std::string labels = absl::StrCat("{job=\"", id, "\",kind=\"pretrain\",model=\"clothes\"");
  const std::string end = absl::StrCat("mae_job_end_timestamp_seconds", labels, ",state=\"FAILED\"} ");
  for (int scrape = 0; scrape < 2; ++scrape) {  // read from job.db, then kept
    const std::string text = HttpGet("/metrics");
    EXPECT_THAT(text, HasSubstr(absl::StrCat("mae_train_loss", labels, "} 0.125")));
    EXPECT_THAT(text, HasSubstr(end));
    EXPECT_THAT(text, Not(HasSubstr("mae_train_checkpoint_age_seconds"))) << "nothing is at risk any more";
  }
  DropServer();
  StartServer({"metrics.ended_job_seconds=0"});
  const std::string text = HttpGet("/metrics");
  EXPECT_THAT(text, Not(HasSubstr(id)));
  EXPECT_THAT(text, HasSubstr("mae_jobs{state=\"FAILED\"} 1"));
  EXPECT_THAT(text, HasSubstr("mae_jobs_without_series 0"));
}

TEST_F(ServerLifeTest, OfMoreJobsThanHaveSeriesTheRestIsCounted) {
  StartServer({"metrics.max_jobs=2", "jobs.slots=2"});
  const auto run = [&] {
    const std::string name = MustCreate().name();
    WaitUntilRunning(name);
    return name;
  };
  const std::string lasting = run();
  std::vector<std::string> ended;
  for (int i = 0; i < 3; ++i) {
    ended.push_back(run());
    Tell(ended.back(), "fail no luck");
    WaitForEnd(ended.back());
  }
  const std::string text = HttpGet("/metrics");
  const auto info = [](const std::string& name) {
    return HasSubstr(absl::StrCat("mae_job_info{job=\"", name.substr(5), "\""));
  };
  EXPECT_THAT(text, info(lasting)) << "those that train first";
  EXPECT_THAT(text, info(ended[2]));
  EXPECT_THAT(text, Not(info(ended[1])));
  EXPECT_THAT(text, HasSubstr("mae_jobs_without_series 2"));
}

TEST_F(ServerLifeTest, EverySeriesOfTheServerSaysWhatItIs) {
  StartServer();
  const std::string name = MustCreate("clothes").name();
  WaitUntilRunning(name);
  const std::string text = HttpGet("/metrics");
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::StartsWith(line, "# TYPE ")) continue;
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    EXPECT_TRUE(absl::StrContains(text, absl::StrCat("# HELP ", words[2], " "))) << words[2];
  }
}

TEST_F(ServerLifeTest, TheHttpPortServesNothingElse) {
  StartServer();
  int code = 0;
  EXPECT_EQ(HttpGet("/healthz", &code), "ok\n");
  EXPECT_EQ(code, 200);
  EXPECT_EQ(HttpGet("/readyz", &code), "ready\n");
  EXPECT_EQ(code, 200);
  for (const char* path :
       {"/etc/passwd", "/../../etc/passwd", "/metrics/x", "/page", "/api", "/api/x",
        "/api/jobs/../../mae.db/picture", "/api/jobs/..%2F..%2F/picture", "/api/jobs/x/curves"}) {
    EXPECT_THAT(HttpGet(path, &code), Not(HasSubstr("root:")));
    EXPECT_EQ(code, 404) << path;
  }
}

TEST_F(ServerLifeTest, DrainingKeepsJobsAndIsNoLongerReady) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  const ProcessIdentity trainer = Trainer(name);
  server_->Drain();
  int code = 0;
  HttpGet("/readyz", &code);
  EXPECT_EQ(code, 503);
  HttpGet("/healthz", &code);
  EXPECT_EQ(code, 200);
  EXPECT_TRUE(IsRunning(trainer));
  grpc::ClientContext context;
  Job job;
  EXPECT_EQ(jobs_->CreateJob(&context, Request(), &job).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ServerLifeTest, DrainingStopsJobsWhereTheConfigurationSaysSo) {
  StartServer({"jobs.on_shutdown=stop"});
  const std::string running = MustCreate().name();
  WaitUntilRunning(running);
  const std::string waiting = MustCreate().name();
  DropServer();
  StartServer();
  EXPECT_EQ(Get(running).state(), Job::STOPPED);
  EXPECT_EQ(Get(running).progress().checkpoint_step(), 1);
  WaitUntilRunning(waiting);
}

TEST_F(ServerLifeTest, TheModelThatAJobStartsFromIsNotDeletedUntilItEnds) {
  ModelConfig config = TinyAutoencoder();
  auto& encoder = std::get<MaskedAutoencoderOptions>(config.model).encoder;
  encoder.image_height = encoder.image_width = 28;
  WriteRandomModel(Config().data_dir / "models" / "clothes" / "1", config);
  StartServer();
  v1::CreateJobRequest request = Request();
  request.mutable_spec()->mutable_finetune()->set_from_model("clothes");
  Job job;
  const grpc::Status created = Create(request, job);
  ASSERT_TRUE(created.ok()) << created.error_message();
  WaitUntilRunning(job.name());
  const auto remove = [&] {
    grpc::ClientContext context;
    v1::DeleteModelVersionRequest version;
    version.set_name("models/clothes/versions/1");
    google::protobuf::Empty nothing;
    return v1::ModelService::NewStub(channel_)->DeleteModelVersion(&context, version, &nothing);
  };
  grpc::ClientContext context;
  v1::LoadModelRequest load;
  load.set_name("clothes");
  v1::ModelVersion loaded;
  EXPECT_TRUE(v1::ModelService::NewStub(channel_)->LoadModel(&context, load, &loaded).ok());
  const std::string series = "mae_model_loaded{model=\"clothes\",version=\"1\"} 1\n";
  EXPECT_THAT(HttpGet("/metrics"), HasSubstr(series));
  const grpc::Status refused = remove();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(refused.error_message(), HasSubstr(job.name()));
  ASSERT_TRUE(Stop(job.name()).ok());
  WaitForEnd(job.name());
  EXPECT_TRUE(remove().ok());
  EXPECT_THAT(HttpGet("/metrics"), Not(HasSubstr(series)));
}

}  // namespace
}  // namespace mae
