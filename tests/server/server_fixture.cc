#include "tests/server/server_fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "job/job_lock.h"
#include "tests/fakes/dataset_files.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

constexpr auto kDeadline = std::chrono::seconds(60);

std::filesystem::path BesideThisProgram(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
}

}  // namespace

bool IsState(const v1::JobEvent& event, v1::Job::State state) {
  return event.has_state() && event.state().state() == state;
}

ServerTest::ServerTest() { WriteIdxDataset(temp_ / "tiny", 20, 10); }

ServerTest::~ServerTest() {
  DropServer();
  std::error_code error;
  for (std::filesystem::directory_iterator entry(temp_ / "data/jobs", error), end; !error && entry != end;
       ++entry) {
    const auto trainer = RunningTrainer(JobFolder(entry->path()));
    if (trainer.ok() && *trainer) kill((*trainer)->pid, SIGKILL);
  }
}

ServerConfig ServerTest::Config(const std::vector<std::string>& overrides) const {
  std::vector<std::string> all = {"listen=127.0.0.1:0",
                                  "metrics_listen=127.0.0.1:0",
                                  absl::StrCat("data_dir=", (temp_ / "data").string()),
                                  absl::StrCat("jobs.trainer=", BesideThisProgram("fake_trainer").string()),
                                  absl::StrCat("datasets.tiny=", (temp_ / "tiny").string()),
                                  "datasets.fashion-mnist=",
                                  "rpc.drain_seconds=5"};
  all.insert(all.end(), overrides.begin(), overrides.end());
  const absl::StatusOr<ServerConfig> config = LoadServerConfig("", all);
  EXPECT_THAT(config, IsOk());
  return config.value_or(ServerConfig{});
}

void ServerTest::StartServer(const std::vector<std::string>& overrides) {
  auto server = Server::Start(Config(overrides));
  ASSERT_THAT(server, IsOk());
  server_ = *std::move(server);
  channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
  jobs_ = v1::JobService::NewStub(channel_);
}

v1::CreateJobRequest ServerTest::Request(const std::string& model) {
  v1::CreateJobRequest request;
  request.set_recipe("tiny");
  v1::JobSpec& spec = *request.mutable_spec();
  spec.mutable_pretrain()->mutable_model()->set_preset("nano");
  spec.mutable_data()->set_dataset("tiny");
  spec.mutable_data()->set_batch_size(8);
  spec.mutable_schedule()->set_epochs(1);
  spec.mutable_publish()->set_model(model);
  return request;
}

grpc::Status ServerTest::Create(const v1::CreateJobRequest& request, v1::Job& job) {
  grpc::ClientContext context;
  SetDeadline(context);
  return jobs_->CreateJob(&context, request, &job);
}

v1::Job ServerTest::MustCreate(const std::string& model) {
  v1::Job job;
  const grpc::Status status = Create(Request(model), job);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return job;
}

v1::Job ServerTest::Get(const std::string& name) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::GetJobRequest request;
  request.set_name(name);
  v1::Job job;
  const grpc::Status status = jobs_->GetJob(&context, request, &job);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return job;
}

grpc::Status ServerTest::Stop(const std::string& name, bool immediate) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::StopJobRequest request;
  request.set_name(name);
  request.set_immediate(immediate);
  v1::Job job;
  return jobs_->StopJob(&context, request, &job);
}

grpc::Status ServerTest::Resume(const std::string& name) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::ResumeJobRequest request;
  request.set_name(name);
  v1::Job job;
  return jobs_->ResumeJob(&context, request, &job);
}

grpc::Status ServerTest::Delete(const std::string& name) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::DeleteJobRequest request;
  request.set_name(name);
  google::protobuf::Empty empty;
  return jobs_->DeleteJob(&context, request, &empty);
}

std::vector<v1::JobEvent> ServerTest::Watch(const std::string& name, int64_t after,
                                            const std::function<bool(const v1::JobEvent&)>& until,
                                            grpc::Status* status) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::WatchJobRequest request;
  request.set_name(name);
  request.set_after_sequence(after);
  const auto stream = jobs_->WatchJob(&context, request);
  std::vector<v1::JobEvent> events;
  for (v1::JobEvent event; stream->Read(&event);) {
    events.push_back(event);
    if (until == nullptr || !until(event)) continue;
    context.TryCancel();
    break;
  }
  const grpc::Status ended = stream->Finish();
  EXPECT_NE(ended.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED)
      << "waited in vain for an event of " << name;
  if (status != nullptr) *status = ended;
  return events;
}

int64_t ServerTest::WaitUntilRunning(const std::string& name, int64_t after) {
  const auto events = Watch(name, after, [](const auto& event) { return IsState(event, v1::Job::RUNNING); });
  EXPECT_FALSE(events.empty());
  return events.empty() ? 0 : events.back().sequence();
}

void ServerTest::WaitForState(const std::string& name, v1::Job::State state) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (Get(name).state() != state) ASSERT_LT(std::chrono::steady_clock::now(), deadline) << name;
}

v1::Job ServerTest::WaitForEnd(const std::string& name) {
  grpc::Status status;
  Watch(name, 0, nullptr, &status);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return Get(name);
}

JobFolder ServerTest::Folder(const std::string& name) const { return JobFolder(temp_ / "data" / name); }

void ServerTest::Tell(const std::string& name, const std::string& command) {
  const int fifo = open((Folder(name).root() / "commands").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(fifo, 0) << name << " takes no commands";
  ASSERT_EQ(fcntl(fifo, F_SETFL, 0), 0);  // Opened without waiting for a reader; written to with.
  const std::string line = command + "\n";
  EXPECT_EQ(write(fifo, line.data(), line.size()), static_cast<ssize_t>(line.size()));
  close(fifo);
}

ProcessIdentity ServerTest::Trainer(const std::string& name) const {
  const auto trainer = RunningTrainer(Folder(name));
  EXPECT_THAT(trainer, IsOk());
  EXPECT_TRUE(trainer.ok() && trainer->has_value()) << "no trainer runs " << name;
  return trainer.ok() ? trainer->value_or(ProcessIdentity{}) : ProcessIdentity{};
}

void ServerTest::Kill(const std::string& name) const { ASSERT_EQ(kill(Trainer(name).pid, SIGKILL), 0); }

std::string ServerTest::Program(const std::string& text) const {
  const std::string path = temp_ / "program";
  std::ofstream(path) << text;
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

std::string ServerTest::HttpGet(const std::string& path, int* code, const std::string& headers) const {
  return HttpGetFrom(server_->metrics_address(), path, code, headers);
}

std::string HttpGetFrom(const std::string& address, const std::string& path, int* code,
                        const std::string& headers) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
  const std::string request = absl::StrCat("GET ", path, " HTTP/1.0\r\n", headers, "\r\n");
  EXPECT_EQ(write(fd, request.data(), request.size()), static_cast<ssize_t>(request.size()));
  std::string answer;
  char bytes[4096];
  for (ssize_t size; (size = read(fd, bytes, sizeof(bytes))) > 0;)
    answer.append(bytes, static_cast<size_t>(size));
  close(fd);
  if (code != nullptr) *code = answer.size() > 12 ? std::stoi(answer.substr(9, 3)) : 0;
  const size_t body = answer.find("\r\n\r\n");
  return body == std::string::npos ? "" : answer.substr(body + 4);
}

}  // namespace mae
