#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "job/process_identity.h"
#include "mae/v1/job.grpc.pb.h"
#include "server/server.h"
#include "tests/fakes/temp_folder.h"

namespace mae {

/// A whole server on ports of its own, over a data folder of its own, with fake_trainer as its trainer and a
/// dataset `tiny`; and a client of it. Trainers that a test leaves are killed after it.
class ServerTest : public testing::Test {
 protected:
  ServerTest();
  ~ServerTest() override;

  /// Settings on top of the fixture's own.
  ServerConfig Config(const std::vector<std::string>& overrides = {}) const;
  void StartServer(const std::vector<std::string>& overrides = {});
  /// As a crash leaves it: trainers go on, nobody watches them.
  void DropServer() { server_ = nullptr; }

  /// A pretraining that can run; publishes as `model` unless that is empty.
  static v1::CreateJobRequest Request(const std::string& model = "");
  grpc::Status Create(const v1::CreateJobRequest& request, v1::Job& job);
  v1::Job MustCreate(const std::string& model = "");
  v1::Job Get(const std::string& name);
  grpc::Status Stop(const std::string& name, bool immediate = false);
  grpc::Status Resume(const std::string& name);
  grpc::Status Delete(const std::string& name);

  /// All events above `after` up to the first that `until` accepts, or to the end of the stream.
  std::vector<v1::JobEvent> Watch(const std::string& name, int64_t after = 0,
                                  const std::function<bool(const v1::JobEvent&)>& until = nullptr,
                                  grpc::Status* status = nullptr);
  /// Waits until a trainer takes commands: for a RUNNING event above `after`, whose sequence it gives.
  int64_t WaitUntilRunning(const std::string& name, int64_t after = 0);
  /// Asks until the job is in that state, for changes that no event tells of.
  void WaitForState(const std::string& name, v1::Job::State state);
  /// Waits for the end of the job.
  v1::Job WaitForEnd(const std::string& name);

  /// Gives the job's trainer a command (tests/fakes/fake_trainer.cc).
  void Tell(const std::string& name, const std::string& command);
  JobFolder Folder(const std::string& name) const;
  ProcessIdentity Trainer(const std::string& name) const;
  void Kill(const std::string& name) const;

  /// A script of that text, to be a trainer.
  std::string Program(const std::string& text) const;

  /// The body of http://metrics_address/path, and its code.
  /// @param headers lines, each with its CR LF.
  std::string HttpGet(const std::string& path, int* code = nullptr, const std::string& headers = "") const;

  const TempFolder temp_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
};

/// Asks http://address/path for ServerTest::HttpGet.
std::string HttpGetFrom(const std::string& address, const std::string& path, int* code = nullptr,
                        const std::string& headers = "");

/// True for the event in which the job enters `state`.
bool IsState(const v1::JobEvent& event, v1::Job::State state);

}  // namespace mae
