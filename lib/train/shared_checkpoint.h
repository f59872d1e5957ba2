#pragma once

#include "absl/status/statusor.h"
#include "checkpoint/training_checkpoint.h"
#include "runtime/process_group.h"

namespace mae {

/// Rank 0's checkpoint, on every rank, in memory of its own but on rank 0: whoever reads the disk is one, and
/// all go on from the same. A collective, which of one rank does nothing.
/// @param checkpoint on rank 0; of no matter on the others.
/// Throws GroupLostError.
absl::StatusOr<TrainingCheckpoint> ShareCheckpoint(TrainingCheckpoint checkpoint, ProcessGroup& group);

}  // namespace mae
