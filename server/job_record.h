#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "job/job_state.h"
#include "job/process_identity.h"
#include "serving/alias_wish.h"

namespace mae {

/// What the server itself knows of a job: a row of `jobs` in mae.db. What the trainer writes of it is in
/// job.db.
struct JobRecord {
  std::string id;      ///< kind and a random number: pretrain-7f3a9c1e
  std::string kind;    ///< pretrain or finetune
  std::string recipe;  ///< that the spec came from, for people
  std::string model;   ///< to publish as; empty: nothing is published
  std::string spec;    ///< resolved, mae.v1.JobSpec as protobuf JSON

  std::string request_id;    ///< of the CreateJob that made it; empty: none
  std::string request_hash;  ///< SHA-256 of that request

  /// The outside's truth. SUCCEEDED only once the model is published.
  JobState state = JobState::kQueued;
  absl::Status error;  ///< of a FAILED job
  absl::Time created;
  std::optional<absl::Time> started;  ///< first run
  std::optional<absl::Time> ended;
  std::string published_version;
  std::vector<AliasMove> alias_moves;  ///< of a published job

  int64_t number = 0;         ///< counts up with each job made
  int64_t queue_order = 0;    ///< smaller waits in front
  int64_t run_sequence = 0;   ///< events of job.db above it are of the newest run
  bool stop_at_once = false;  ///< STOPPING by SIGKILL, without a checkpoint
  std::optional<ProcessIdentity> trainer;
};

/// "jobs/{id}".
std::string JobResourceName(const JobRecord& record);

}  // namespace mae
