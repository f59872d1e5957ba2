#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "base/durable_file.h"
#include "job/job_folder.h"
#include "job/process_identity.h"

/// Who may write a job folder: the one that holds trainer.lock. The trainer holds it for as long as it lives;
/// the server takes it for the moment of each write of its own, so that job.db never has two writers.
/// Thread-safe.
namespace mae {

/// Locks trainer.lock and writes "PID START_TICKS" of this process into it. Waits up to a second for a holder
/// that only looks or writes one event. FAILED_PRECONDITION if another process holds on to it (names its
/// pid).
absl::StatusOr<FileLock> LockJobFolder(const JobFolder& folder);

/// LockJobFolder, and FAILED_PRECONDITION as well if the newest state in job.db is one that ends the job. For
/// a trainer of a server, which queues a job anew before it starts one: a server that came after may have
/// ended the job, or another trainer have run it to its end, while this one was on its way.
absl::StatusOr<FileLock> LockJobToRun(const JobFolder& folder);

/// The trainer that holds the lock; nothing if none. This process's own locks are not trainers. Waits up to a
/// second for a holder to tell its name; UNAVAILABLE if it doesn't.
absl::StatusOr<std::optional<ProcessIdentity>> RunningTrainer(const JobFolder& folder);

}  // namespace mae
