#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mae/v1/job.grpc.pb.h"
#include "tests/e2e/child_process.h"

namespace mae {

/// A real mae_server over a data folder of its own, and the real mae_client beside it. The folder goes with
/// the object, and every trainer that it started is killed.
class TestServer {
 public:
  TestServer();
  ~TestServer();

  /// Starts the server, on the same port each time. Fails the test if it does not come up.
  void Start(const std::vector<std::string>& options = {});
  /// kill -9, as a crash would.
  void Crash();
  /// SIGTERM; its exit code.
  int Stop();

  /// Runs mae_client against it.
  ProgramResult Client(const std::vector<std::string>& arguments) const;
  /// Starts mae_client and lets it run.
  std::unique_ptr<ChildProcess> StartClient(const std::vector<std::string>& arguments) const;
  /// start-VERB with `arguments`; the name of the job. Fails the test if it is refused.
  std::string StartJob(const std::vector<std::string>& arguments) const;

  v1::Job GetJob(const std::string& name) const;
  /// Waits until the job is in `state`; fails the test with the job if it isn't in time.
  v1::Job AwaitState(const std::string& name, v1::Job::State state) const;
  /// Waits until the job has ended, however that is.
  v1::Job AwaitEnd(const std::string& name) const;
  /// All events after `after`, until the stream ends or `until` holds for one.
  std::vector<v1::JobEvent> Events(const std::string& name, int64_t after,
                                   const std::function<bool(const v1::JobEvent&)>& until) const;

  /// The steps at which the training loss was recorded, in the order of the series.
  std::vector<int64_t> LossSteps(const std::string& name) const;

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path data() const { return root_ / "data"; }
  std::filesystem::path JobFolder(const std::string& name) const { return data() / name; }
  std::string address() const { return address_; }
  /// While it runs.
  pid_t pid() const { return process_->pid(); }
  /// What it tells Prometheus; fails the test if it can't be asked.
  std::string Metrics() const;
  /// Of the job's trainer, from its lock file; 0 if none runs.
  pid_t TrainerPid(const std::string& name) const;
  /// kill -9 of the job's trainer; fails the test if none runs.
  void KillTrainer(const std::string& name) const;

 private:
  std::unique_ptr<v1::JobService::Stub> Jobs() const;

  std::filesystem::path root_;
  std::string address_ = "127.0.0.1:0";
  std::unique_ptr<ChildProcess> process_;
};

/// start-pretrain arguments of a small model on the dataset "shapes" (see WriteShapes) for `epochs` of 8
/// steps.
std::vector<std::string> SmallPretrain(int epochs);

/// `arguments`, then `more`.
std::vector<std::string> With(std::vector<std::string> arguments, const std::vector<std::string>& more);

/// For Events: until the stream ends, or a metrics event.
bool Never(const v1::JobEvent& event);
bool IsMetrics(const v1::JobEvent& event);
/// Fails the test unless their sequences go up from `first` by ones.
void ExpectSequence(const std::vector<v1::JobEvent>& events, int64_t first);

/// Writes the dataset "shapes" into the server's data folder: 256 training and 64 validation images, 16 x 16
/// grey, 4 classes.
void WriteShapes(const TestServer& server);

}  // namespace mae
