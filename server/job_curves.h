#pragma once

#include "server/job_ledger.h"
#include "server/model_download.h"

namespace mae {

/// The curves that a model card shows: losses, accuracy and learning rate of a job, 20 points each, as job.db
/// has them. Empty for a job that is gone. What it gives is thread-safe; `ledger` outlives it.
CurvesOfJob CurvesFrom(const JobLedger& ledger);

}  // namespace mae
