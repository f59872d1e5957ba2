#pragma once

#include "absl/status/status.h"
#include "job/job_process.h"
#include "server/job_ledger.h"
#include "serving/model_store.h"

namespace mae {

/// Settles a job whose trainer has ended, by what the trainer wrote last:
///
/// - SUCCEEDED: its export is published, and moves the aliases that the spec names, or those of them for
///   which it is better than what they stand for (publish.only_if_better); only then is the job SUCCEEDED. If
///   publishing fails, the job is FAILED.
/// - STOPPED: the job is STOPPED.
/// - FAILED: the job is FAILED, with the trainer's error.
/// - Else: a job that was asked to stop and ended by a signal is STOPPED (without a last checkpoint); any
///   other is FAILED, with how it ended, the end of trainer.log, and what to do.
///
/// Blocks on the disk, for a large model for seconds. Once only at a time for one job.
/// @return the disk's error, or FAILED_PRECONDITION while somebody holds the folder, which is swept first;
/// the job unchanged then: to be called again.
absl::Status FinishJob(const std::string& id, const ProcessExit& exit, JobLedger& ledger, JobTable& table,
                       ModelStore& models);

/// Ends a job that could not even be started, or can't be read, as FAILED.
absl::Status FailJob(const std::string& id, const absl::Status& error, JobLedger& ledger);

}  // namespace mae
