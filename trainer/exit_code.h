#pragma once

namespace mae {

/// What mae_trainer tells whoever started it.
enum ExitCode {
  kDone = 0,      ///< the job succeeded, or was stopped as asked
  kFailed = 1,    ///< the job failed and its folder says why; if even that could not be written, the log does
  kUsage = 2,     ///< wrong arguments
  kBusy = 3,      ///< another trainer runs this job, or it has ended and is not to run; nothing was touched
  kRankLost = 4,  ///< of a rank: another one is gone; nothing was recorded, and the job may begin again
};

}  // namespace mae
