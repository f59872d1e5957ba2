#pragma once

#include <atomic>

#include "job/job_folder.h"
#include "options/train_options.h"
#include "trainer/exit_code.h"

namespace mae {

/// Trains a job in several processes of this machine: starts this program once a rank, with its own
/// arguments, and watches over them, as torchrun does. When one is lost (killed, or it found another one
/// gone) all are ended within some seconds and begin again from the last checkpoint, options.max_restarts
/// times at the most; then the job is FAILED. When one fails for a reason of its own nothing is begun again.
/// Ranks end with this process, whatever ends it. Words of both go to the log that they share. Blocks for as
/// long as training takes. For a process with one thread, which holds the folder's lock; job.db is written by
/// rank 0 while it lives, and by this process between.
/// @param stop passed on to the ranks, which agree on a step to stop after.
ExitCode RunRanks(const JobFolder& folder, const JobOptions& options, const std::atomic<bool>& stop);

}  // namespace mae
