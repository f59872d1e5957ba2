// What callers see of a server that shuts down while its jobs still stop.
#include <signal.h>

#include <thread>

#include "base/joined_thread.h"
#include "inference/grpc_service.grpc.pb.h"
#include "tests/server/access_fixture.h"

namespace mae {
namespace {

using testing::HasSubstr;

constexpr char kServing[] = "\x08\x01", kNotServing[] = "\x08\x02";  // a grpc.health.v1.HealthCheckResponse

class DrainTest : public AccessTest {
 protected:
  std::string Health() { return CallRaw(channel_, "/grpc.health.v1.Health/Check", {}).bytes; }

  bool WaitForHealth(const std::string& wanted) {
    const absl::Time until = absl::Now() + absl::Minutes(1);
    while (Health() != wanted && absl::Now() < until) std::this_thread::yield();
    return Health() == wanted;
  }
};

TEST_F(DrainTest, HealthFallsStreamsEndAndNewJobsAreRefusedBeforeTheJobsHaveStopped) {
  StartServer({"jobs.on_shutdown=stop", "jobs.stop_grace_seconds=60"});
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  const ProcessIdentity trainer = Trainer(name);
  kill(trainer.pid, SIGSTOP);
  EXPECT_EQ(Health(), kServing);
  grpc::ClientContext context;
  const auto stream = inference::GRPCInferenceService::NewStub(channel_)->ModelStreamInfer(&context);
  ASSERT_TRUE(stream->Write({}));
  inference::ModelStreamInferResponse response;
  ASSERT_TRUE(stream->Read(&response));
  {
    const JoinedThread drain([&] { server_->Drain(); });
    EXPECT_TRUE(WaitForHealth(kNotServing));
    EXPECT_FALSE(stream->Read(&response));
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
    v1::Job job;
    const grpc::Status refused = Create(Request(), job);
    EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_THAT(refused.error_message(), HasSubstr("shuts down"));
    kill(trainer.pid, SIGCONT);
  }
  EXPECT_FALSE(IsRunning(trainer));
}

}  // namespace
}  // namespace mae
