#include "tests/e2e/test_server.h"

#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <stdlib.h>

#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/fakes/dataset_files.h"

namespace mae {
namespace {

std::filesystem::path FreshFolder() {
  std::string pattern = testing::TempDir() + "/mae-e2e-XXXXXX";
  return mkdtemp(pattern.data());
}

// The value of a line "KEY VALUE" that the server prints.
std::string Printed(const ChildProcess& process, absl::string_view key) {
  const std::string out = process.Out();
  for (absl::string_view line : absl::StrSplit(out, '\n')) {
    if (absl::ConsumePrefix(&line, key)) return std::string(line);
  }
  return "";
}

void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
}

bool HasEnded(const v1::Job& job) {
  return job.state() == v1::Job::STOPPED || job.state() == v1::Job::SUCCEEDED ||
         job.state() == v1::Job::FAILED;
}

}  // namespace

TestServer::TestServer() : root_(FreshFolder()) { std::filesystem::create_directories(data()); }

TestServer::~TestServer() {
  process_.reset();
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(data() / "jobs", ignored)) {
    if (const pid_t pid = TrainerPid("jobs/" + entry.path().filename().string()); pid > 0) kill(pid, SIGKILL);
  }
  std::filesystem::remove_all(root_, ignored);
}

void TestServer::Start(const std::vector<std::string>& options) {
  std::vector<std::string> command = {BinaryPath("mae_server"), "--listen",    address_,
                                      "--metrics-listen",       "127.0.0.1:0", "--data-dir",
                                      data().string()};
  command.insert(command.end(), options.begin(), options.end());
  process_ = std::make_unique<ChildProcess>(command, std::map<std::string, std::string>{}, root_ / "output");
  const bool up =
      Eventually([&] { return !Printed(*process_, "metrics on ").empty() || !process_->Running(); });
  ASSERT_TRUE(up && process_->Running()) << "the server did not start:\n" << process_->Err();
  // Written once: clients of other threads read it while a next server starts.
  if (const std::string printed = Printed(*process_, "listening on "); address_ != printed)
    address_ = printed;
}

void TestServer::Crash() {
  process_->Signal(SIGKILL);
  process_->Wait();
}

int TestServer::Stop() {
  process_->Signal(SIGTERM);
  return process_->Wait().exit_code;
}

std::unique_ptr<ChildProcess> TestServer::StartClient(const std::vector<std::string>& arguments) const {
  std::vector<std::string> command = {BinaryPath("mae_client"), "--server", address_, "--timeout",
                                      std::to_string(absl::ToInt64Seconds(kPatience))};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const std::map<std::string, std::string> environment = {{"XDG_CONFIG_HOME", (root_ / "config").string()}};
  return std::make_unique<ChildProcess>(command, environment, root_ / "output");
}

ProgramResult TestServer::Client(const std::vector<std::string>& arguments) const {
  return StartClient(arguments)->Wait();
}

std::string TestServer::StartJob(const std::vector<std::string>& arguments) const {
  const auto result = Client(arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return std::string(absl::StripAsciiWhitespace(result.out));
}

std::string TestServer::Metrics() const {
  constexpr const char* kGet =
      "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())";
  const auto got =
      RunProgram({"/usr/bin/python3", "-c", kGet, Printed(*process_, "metrics on ")}, {}, root_ / "output");
  EXPECT_EQ(got.exit_code, 0) << got.err;
  return got.out;
}

std::unique_ptr<v1::JobService::Stub> TestServer::Jobs() const {
  return v1::JobService::NewStub(grpc::CreateChannel(address_, grpc::InsecureChannelCredentials()));
}

v1::Job TestServer::GetJob(const std::string& name) const {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::GetJobRequest request;
  request.set_name(name);
  v1::Job job;
  const auto status = Jobs()->GetJob(&context, request, &job);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return job;
}

v1::Job TestServer::AwaitState(const std::string& name, v1::Job::State state) const {
  v1::Job job;
  const bool reached = Eventually([&] {
                         job = GetJob(name);
                         return job.state() == state || HasEnded(job);
                       }) &&
                       job.state() == state;
  EXPECT_TRUE(reached) << "wanted " << v1::Job::State_Name(state) << ", the job is "
                       << job.ShortDebugString();
  return job;
}

v1::Job TestServer::AwaitEnd(const std::string& name) const {
  v1::Job job;
  EXPECT_TRUE(Eventually([&] { return HasEnded(job = GetJob(name)); })) << job.ShortDebugString();
  return job;
}

std::vector<v1::JobEvent> TestServer::Events(const std::string& name, int64_t after,
                                             const std::function<bool(const v1::JobEvent&)>& until) const {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::WatchJobRequest request;
  request.set_name(name);
  request.set_after_sequence(after);
  const auto stub = Jobs();
  const auto reader = stub->WatchJob(&context, request);
  std::vector<v1::JobEvent> events;
  for (v1::JobEvent event; reader->Read(&event);) {
    events.push_back(event);
    if (until(event)) break;
  }
  context.TryCancel();
  reader->Finish();
  return events;
}

std::vector<int64_t> TestServer::LossSteps(const std::string& name) const {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::QueryMetricsRequest request;
  request.set_name(name);
  request.add_metrics("loss");
  request.set_max_points(10000);
  v1::QueryMetricsResponse response;
  const auto status = Jobs()->QueryMetrics(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  std::vector<int64_t> steps;
  for (const auto& series : response.series()) {
    for (const auto& point : series.points()) steps.push_back(point.step());
  }
  return steps;
}

pid_t TestServer::TrainerPid(const std::string& name) const {
  std::ifstream lock(JobFolder(name) / "trainer.lock");
  pid_t pid = 0;
  if (!(lock >> pid)) return 0;
  // A trainer that has ended leaves its pid behind, which may be another program's by now.
  std::ifstream command("/proc/" + std::to_string(pid) + "/cmdline");
  std::string program;
  std::getline(command, program, '\0');
  return absl::EndsWith(program, "mae_trainer") ? pid : 0;
}

void TestServer::KillTrainer(const std::string& name) const {
  const pid_t trainer = TrainerPid(name);
  ASSERT_GT(trainer, 0) << "no trainer runs " << name;
  ASSERT_EQ(kill(trainer, SIGKILL), 0);
}

std::vector<std::string> SmallPretrain(int epochs) {
  return {"start-pretrain",
          "--recipe",
          "fashion-mnist-pretrain",
          "--dataset",
          "shapes",
          "--set",
          "pretrain.model.embed_dim=32",
          "--set",
          "pretrain.model.depth=2",
          "--set",
          "pretrain.model.decoder.embed_dim=16",
          "--set",
          "pretrain.model.decoder.depth=1",
          "--set",
          "data.batch_size=32",
          "--set",
          "logging.every_steps=4",
          "--set",
          "schedule.epochs=" + std::to_string(epochs)};
}

std::vector<std::string> With(std::vector<std::string> arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

bool Never(const v1::JobEvent&) { return false; }
bool IsMetrics(const v1::JobEvent& event) { return event.has_metrics(); }

void ExpectSequence(const std::vector<v1::JobEvent>& events, int64_t first) {
  for (size_t i = 0; i < events.size(); ++i) {
    ASSERT_EQ(events[i].sequence(), first + static_cast<int64_t>(i)) << "events missing or twice";
  }
}

void WriteShapes(const TestServer& server) {
  WriteIdxDataset(server.data() / "datasets" / "shapes", 256, 64, 16, 16, 4);
}

}  // namespace mae
