#pragma once

#include <sys/types.h>

#include <set>
#include <string>

#include "tests/chaos/chaos_server.h"
#include "tests/chaos/job_operations.h"
#include "tests/chaos/journal.h"

namespace mae {

/// Chooses and makes faults, and takes them away again.
class FaultInjector {
 public:
  FaultInjector(ChaosServer& server, JobOperations& jobs, Acknowledged& known, Choices& choices,
                Journal& journal)
      : server_(server), jobs_(jobs), known_(known), choices_(choices), journal_(journal) {}

  /// One fault, of the server or a trainer, at once or at a call to come.
  void Inject();
  /// Of the server's next start, at one of its calls; call it while the server is down.
  void ArmForStart();
  /// Of the next trainer that comes to one of its calls.
  void ArmForTrainer();
  /// Writes garbage over a page of mae.db while the server is down.
  void CorruptDatabase();
  /// Puts it back.
  void MendDatabase();
  bool database_is_corrupt() const { return !page_.empty(); }

  /// What armed faults, limits, clock steps and stopped processes leave: nothing.
  void EndAll();
  /// Whether a fault since its last start may have ended the server by SIGKILL.
  bool may_kill_server() const { return may_kill_server_; }
  /// Whether it has lacked memory since.
  bool server_lacked_memory() const { return server_lacked_memory_; }
  /// Whether an answer may have been lost since, though the server lives.
  bool may_break_connection() const { return may_break_connection_; }
  void ServerIsFresh() {
    may_kill_server_ = server_lacked_memory_ = may_break_connection_ = false;
    journal_.clock_has_stepped = journal_.server_lacks_memory = false;
  }

 private:
  void ArmFileFault(const std::string& program);
  void FailSpawn();
  void BreakConnection();
  void FailAllocation(const std::string& program);
  void KillServer();
  void SignalTrainer();
  void TakeDescriptors();
  void TakeMemory();
  void StepClock();

  ChaosServer& server_;
  JobOperations& jobs_;
  Acknowledged& known_;
  Choices& choices_;
  Journal& journal_;
  std::set<pid_t> stopped_;
  bool may_kill_server_ = false, server_lacked_memory_ = false, may_break_connection_ = false;
  std::string page_;     ///< the bytes that were there before CorruptDatabase
  int64_t page_at_ = 0;  ///< where
};

}  // namespace mae
