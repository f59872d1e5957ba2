#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/chaos/acknowledged.h"
#include "tests/chaos/chaos_server.h"
#include "tests/chaos/journal.h"
#include "tests/chaos/outcome.h"

namespace mae {

/// Calls of JobService, and what the puppet trainers are told; each notes what it learned in `known`.
class JobOperations {
 public:
  /// @param weights folders of models that puppets succeed with.
  JobOperations(ChaosServer& server, Acknowledged& known, Choices& choices, Journal& journal,
                std::vector<std::filesystem::path> weights);

  /// A new job. @param model that it publishes as; empty: none. @return as Send's.
  KnownJob* Create(const std::string& model);
  /// Sends a request, the same one again perhaps. @return the job, if that was acknowledged.
  KnownJob* Send(const v1::CreateJobRequest& request);
  void Stop(KnownJob& job);
  void Resume(KnownJob& job);
  void Delete(KnownJob& job);
  /// Watches from what was seen before up to the newest event that there is. @return whether it came so far;
  /// faults may be in the way.
  bool Watch(KnownJob& job);
  void List();
  /// How it is now; nothing if that was not answered.
  std::optional<v1::Job> Get(KnownJob& job);

  /// Tells its puppet a line; false if none listens.
  bool Tell(const KnownJob& job, const std::string& line);
  void TellMetrics(KnownJob& job);
  bool Succeed(const KnownJob& job);

  /// Pid of its trainer that lives; 0: none.
  pid_t Trainer(const KnownJob& job) const;
  /// Waits for a RUNNING job, not for long. @return one, or nullptr.
  KnownJob* AwaitRunning();

 private:
  void Learn(KnownJob& job, const v1::Job& shown);
  std::filesystem::path Folder(const KnownJob& job) const { return server_.data() / job.name; }

  ChaosServer& server_;
  Acknowledged& known_;
  Choices& choices_;
  Journal& journal_;
  const std::vector<std::filesystem::path> weights_;
};

bool HasEnded(const v1::Job& job);

}  // namespace mae
