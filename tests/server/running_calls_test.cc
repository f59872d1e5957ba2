// Calls under way whose callers are not let in any more.
#include "server/running_calls.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "server/caller_interceptor.h"
#include "server/token_table.h"
#include "tests/fakes/status_matchers.h"
#include "tests/server/access_fixture.h"

namespace mae {
namespace {

using Answered = grpc::StatusCode;
using testing::HasSubstr;

// One WatchJob stream, of which the first event has come.
struct HeldWatch {
  HeldWatch(v1::JobService::Stub& stub, const std::string& job, const std::string& authorization) {
    context.AddMetadata("authorization", authorization);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(120));
    v1::WatchJobRequest request;
    request.set_name(job);
    reader = stub.WatchJob(&context, request);
    v1::JobEvent event;
    has_begun = reader->Read(&event);
  }
  ~HeldWatch() {
    context.TryCancel();
    if (reader != nullptr) reader->Finish();
  }
  // Reads up to the end.
  grpc::Status End() {
    v1::JobEvent event;
    while (reader->Read(&event)) {
    }
    const grpc::Status status = reader->Finish();
    reader = nullptr;
    return status;
  }

  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReader<v1::JobEvent>> reader;
  bool has_begun = false;
};

class RunningCallsTest : public AccessTest {
 protected:
  v1::Job JobOf(const std::string& authorization) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", authorization);
    v1::Job job;
    EXPECT_TRUE(jobs_->CreateJob(&context, Request(), &job).ok());
    return job;
  }
  static std::string EntryOf(const std::string& name, const std::string& role, const std::string& header) {
    return absl::StrCat("- {name: ", name, ", role: ", role, ", sha256: ", Sha256Hex(header.substr(7)),
                        "}\n");
  }
};

TEST_F(RunningCallsTest, AStreamEndsWhenItsTokenIsTakenAwayAndThoseOfOthersGoOn) {
  const std::string ann = AddToken("ann", "operator"), bob = AddToken("bob", "viewer");
  StartServer(TokenSettings());
  const std::string job = JobOf(ann).name();
  HeldWatch anns(*jobs_, job, ann), bobs(*jobs_, job, bob);
  ASSERT_TRUE(anns.has_begun && bobs.has_begun);
  WriteSecret("tokens.yaml", EntryOf("bob", "viewer", bob));
  server_->Reload();
  const grpc::Status ended = anns.End();
  EXPECT_EQ(ended.error_code(), Answered::UNAUTHENTICATED) << ended.error_message();
  EXPECT_THAT(ended.error_message(), HasSubstr("taken away"));
  v1::JobEvent event;
  while (!IsState(event, v1::Job::RUNNING)) ASSERT_TRUE(bobs.reader->Read(&event));
  Tell(job, "log goes on");
  while (event.log().text() != "goes on") ASSERT_TRUE(bobs.reader->Read(&event));
}

TEST_F(RunningCallsTest, AStreamEndsWhenItsTokenExpires) {
  const std::string ann = AddToken("ann", "operator");
  const std::string brief = AddToken("brief", "viewer", absl::Now() + absl::Seconds(8));
  StartServer(TokenSettings());
  HeldWatch watch(*jobs_, JobOf(ann).name(), brief);
  ASSERT_TRUE(watch.has_begun);
  EXPECT_EQ(watch.End().error_code(), Answered::UNAUTHENTICATED);
}

TEST_F(RunningCallsTest, AStreamEndsWhenItsTokenHasARoleThatMayNotMakeIt) {
  const std::string ann = AddToken("ann", "operator"), bob = AddToken("bob", "viewer");
  StartServer(TokenSettings());
  HeldWatch watch(*jobs_, JobOf(ann).name(), bob);
  ASSERT_TRUE(watch.has_begun);
  WriteSecret("tokens.yaml", EntryOf("bob", "inference", bob));
  server_->Reload();
  EXPECT_EQ(watch.End().error_code(), Answered::PERMISSION_DENIED);
}

TEST_F(RunningCallsTest, WhoWatchesAsMuchAsOneMayLeavesWatchesToOthers) {
  const std::string ann = AddToken("ann", "operator"), bob = AddToken("bob", "viewer");
  const auto settings = TokenSettings();
  StartServer(settings);
  const std::string job = JobOf(ann).name();
  std::vector<std::unique_ptr<HeldWatch>> held;
  do {
    held.push_back(std::make_unique<HeldWatch>(*jobs_, job, ann));
  } while (held.back()->has_begun && held.size() < static_cast<size_t>(Config(settings).jobs.max_watches));
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
  const auto stub = v1::JobService::NewStub(
      grpc::CreateCustomChannel(server_->address(), grpc::InsecureChannelCredentials(), arguments));
  EXPECT_TRUE(HeldWatch(*stub, job, bob).has_begun);
}

// As one that was let in the moment before its token was taken away.
TEST_F(RunningCallsTest, WhoIsKnownNoMoreIsWrittenDownAsUnknownAndEnded) {
  AddToken("ann", "operator");
  const auto authenticator = Authenticator::Open({TokensPath(), {}});
  ASSERT_THAT(authenticator, IsOk());
  const auto log = AuditLog::Open(temp_ / "audit.log", {.max_bytes = 1 << 20});
  ASSERT_THAT(log, IsOk());
  CallerLimits limits({});
  RunningCalls running(**authenticator, absl::Milliseconds(10));
  class Waits final : public v1::JobService::Service {
    grpc::Status StopJob(grpc::ServerContext* context, const v1::StopJobRequest*, v1::Job*) override {
      while (!context->IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
      return {grpc::StatusCode::CANCELLED, "the caller has gone"};
    }
  } service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(
      std::make_unique<CallerInterceptorFactory>(authenticator->get(), &running, limits, **log));
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  auto server = builder.BuildAndStart();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  v1::Job job;
  EXPECT_EQ(v1::JobService::NewStub(
                grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()))
                ->StopJob(&context, {}, &job)
                .error_code(),
            Answered::UNAUTHENTICATED);
  server->Shutdown();
  server->Wait();
  server = nullptr;
  EXPECT_EQ(running.size(), 0U);
  const auto line = nlohmann::json::parse(ReadFile(temp_ / "audit.log").value_or(""));
  EXPECT_EQ(line.at("identity"), "unknown");
  EXPECT_EQ(line.at("code"), "UNAUTHENTICATED");
}

}  // namespace
}  // namespace mae
