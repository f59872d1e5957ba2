#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "checkpoint/training_checkpoint.h"

/// Finds the checkpoint that a run goes on from. Pure reading: touches nothing, safe from any thread.
namespace mae {

struct LatestCheckpoint {
  TrainingCheckpoint checkpoint;
  std::filesystem::path folder;  ///< the step-N that it came from
  std::vector<std::string>
      warnings;  ///< newer ones that were passed over, newest first, each with what is wrong
};

/// The checkpoint with the highest step whose every file has the length and SHA-256 of its manifest. Reads
/// each file once for the hash and once for the tensors; holds one copy of the tensors.
/// @param folder the job's checkpoints/.
/// @return NOT_FOUND if there is none (a run may start anew); DATA_LOSS if there are some and none is whole,
/// naming
///   each: a run must not start anew unasked.
absl::StatusOr<LatestCheckpoint> ReadLatestCheckpoint(const std::filesystem::path& folder);

/// The same among the checkpoints of the steps that `accepts` takes.
absl::StatusOr<LatestCheckpoint> ReadLatestCheckpoint(const std::filesystem::path& folder,
                                                      const std::function<bool(int64_t step)>& accepts);

}  // namespace mae
