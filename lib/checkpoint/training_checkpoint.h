#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "checkpoint/safetensors.h"

/// What a training run needs to go on as if it had never stopped; see docs/formats/checkpoint.md.
namespace mae {

/// Where the run stands. Randomness is counted from seed, epoch and batch, so these numbers are all of it.
struct TrainingProgress {
  int64_t step = 0;                        ///< batches trained on
  int64_t epoch = 0;                       ///< the epoch that goes on, from 0; epochs before it are done
  int64_t batch = 0;                       ///< batches of that epoch that are done
  uint64_t seed = 0;                       ///< of the job; a resume under another one is another run
  std::optional<double> best_metric;       ///< none before the first validation
  std::map<std::string, double> counters;  ///< whatever else is to go on: images seen, seconds spent, …

  bool operator==(const TrainingProgress&) const = default;
};

/// Tensors may share memory with the live model and optimizer: whoever fills one for the writer must not step
/// before it is staged, or copied.
struct TrainingCheckpoint {
  NamedTensors model;      ///< StateOf the module
  NamedTensors optimizer;  ///< Optimizer::State, and Ema::State where there is one
  TrainingProgress progress;
};

/// The same with tensors of its own, contiguous in the memory of the CPU: what it shows does not change when
/// training goes on. RESOURCE_EXHAUSTED if memory runs out.
absl::StatusOr<TrainingCheckpoint> CopyOf(const TrainingCheckpoint& checkpoint);

/// state.json. Doubles come back bit for bit, those that are not finite too.
std::string ProgressToJson(const TrainingProgress& progress);
/// INVALID_ARGUMENT names the missing or mistyped key.
absl::StatusOr<TrainingProgress> ProgressFromJson(const std::string& text);

}  // namespace mae
