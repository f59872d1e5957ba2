#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/chaos/acknowledged.h"
#include "tests/chaos/chaos_server.h"
#include "tests/chaos/job_operations.h"
#include "tests/chaos/journal.h"

namespace mae {

/// Holds a server without faults against what was acknowledged. What is broken goes to the journal.
class Invariants {
 public:
  Invariants(ChaosServer& server, JobOperations& jobs, Acknowledged& known, Journal& journal)
      : server_(server), jobs_(jobs), known_(known), journal_(journal) {}

  /// After any start: jobs, versions, aliases, trainers, and what crashed starts and changes leave.
  void AfterStart();
  /// When all jobs have ended: that each state fits its events, and metrics have no gaps and twins.
  void AfterEnds();
  /// Of a data folder whose server has ended and whose jobs have too.
  void NothingLeft();

 private:
  void Jobs();
  void Models();
  void Version(const std::string& model, const v1::ModelVersion& version);
  void Aliases(const v1::Model& model);
  void ModelFolders();
  void JobFolders(const std::vector<v1::Job>& listed);
  void Trainers(const std::vector<v1::Job>& listed);
  void History(const KnownJob& job, const v1::Job& shown);
  void Metrics(const KnownJob& job, const v1::Job& shown);
  std::vector<v1::Job> ListedJobs();
  std::vector<v1::Model> ListedModels();

  ChaosServer& server_;
  JobOperations& jobs_;
  Acknowledged& known_;
  Journal& journal_;
};

/// Processes whose command line names a folder, each with that line; not those of this program.
std::vector<std::pair<pid_t, std::string>> ProcessesOn(const std::filesystem::path& folder);

}  // namespace mae
