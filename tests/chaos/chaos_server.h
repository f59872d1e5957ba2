#pragma once

#include <grpcpp/grpcpp.h>
#include <sys/resource.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mae/v1/inference.grpc.pb.h"
#include "mae/v1/job.grpc.pb.h"
#include "mae/v1/model.grpc.pb.h"
#include "tests/e2e/child_process.h"
#include "tests/fakes/fault_page.h"

namespace mae {

/// A call's deadline: far above what a busy machine needs, so that a call that runs into it hangs.
constexpr auto kCallDeadline = std::chrono::seconds(60);

/// A real mae_server over one data folder, which dies and comes back, and the faults that it and its trainers
/// meet. Destroying it kills it, not its trainers.
class ChaosServer {
 public:
  struct Options {
    bool puppet_trainer = true;  ///< tests/fakes/fake_trainer.cc in place of mae_trainer
    int64_t slots = 1;
  };

  /// @param root an empty folder for all that this object makes; with a dataset `tiny` in root/tiny.
  ChaosServer(std::filesystem::path root, Options options);
  ~ChaosServer();
  ChaosServer(const ChaosServer&) = delete;
  ChaosServer& operator=(const ChaosServer&) = delete;

  /// Starts it on a port of its own. False if it ended before it took calls; Wait() tells how.
  bool Start();
  bool Running() const { return process_ != nullptr && process_->Running(); }
  void Signal(int signal) const { process_->Signal(signal); }
  /// Its end: exit code (128 + N for signal N), and what it printed.
  const ProgramResult& Wait();
  /// A limit of the running process from now on; Start lifts it.
  void Limit(__rlimit_resource resource, uint64_t value) const;
  void LiftLimits() const;
  int64_t OpenFiles() const;
  int64_t AddressSpace() const;

  /// Arms the page for calls of a program: "mae_server", "fake_trainer" or "mae_trainer".
  void Arm(const std::string& program, FaultPage::Call call, FaultPage::Effect effect, int error,
           int64_t after);
  void Disarm() { page_->armed = 0; }
  FaultPage& page() { return *page_; }
  /// Calls that armed faults have met, by program, and its calls where they are not about files.
  std::map<std::string, int64_t> Hits();

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path data() const { return root_ / "data"; }
  std::string trainer_name() const { return options_.puppet_trainer ? "fake_trainer" : "mae_trainer"; }
  const Options& options() const { return options_; }
  pid_t pid() const { return process_->pid(); }

  v1::JobService::Stub& jobs() const { return *jobs_; }
  v1::ModelService::Stub& models() const { return *models_; }
  v1::InferenceService::Stub& inference() const { return *inference_; }

 private:
  void WriteTrainer() const;
  std::vector<std::string> Command() const;
  void TallyHits();
  void Connect(const std::string& address);

  const std::filesystem::path root_;
  const Options options_;
  FaultPage* page_ = nullptr;
  std::map<std::string, int64_t> hits_;  ///< of what was armed before
  std::unique_ptr<ChildProcess> process_;
  std::optional<ProgramResult> end_;  ///< of process_, once it was waited for
  std::unique_ptr<v1::JobService::Stub> jobs_;
  std::unique_ptr<v1::ModelService::Stub> models_;
  std::unique_ptr<v1::InferenceService::Stub> inference_;
};

/// A context with kCallDeadline.
std::unique_ptr<grpc::ClientContext> CallContext();

}  // namespace mae
