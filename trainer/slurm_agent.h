#pragma once

#include <atomic>

#include "absl/status/status.h"
#include "job/job_folder.h"
#include "options/train_options.h"
#include "trainer/exit_code.h"

namespace mae {

/// Trains a job by Slurm: submits it, and follows it to its end. A run that ends without having said how (a
/// node failed, a rank was lost) is submitted again, options.max_restarts times at the most; one that Slurm
/// ended for reasons of its own (its time was up, it was preempted) as often as that happens. Blocks
/// meanwhile. The Slurm job ends with this process, whatever ends it. For a process with one thread, which
/// holds the folder's lock.
/// @param stop passed on to the ranks, which agree on a step to stop after.
ExitCode RunOnSlurm(const JobFolder& folder, const JobOptions& options, const std::atomic<bool>& stop);

/// Cancels what an earlier run left in Slurm of a job that is not Slurm's any more; nothing for one that
/// never was. Errors of trainer/slurm_job.h. For the holder of the folder's lock.
absl::Status LeaveSlurm(const JobFolder& folder);

}  // namespace mae
