#pragma once

#include <torch/torch.h>

#include "checkpoint/training_checkpoint.h"

namespace mae {

/// A small checkpoint whose every value depends on the step.
inline TrainingCheckpoint SampleCheckpoint(int64_t step) {
  const auto value = static_cast<float>(step);
  TrainingCheckpoint checkpoint;
  checkpoint.model = {{"weight", torch::arange(12.0F).view({3, 4}) + value},
                      {"bias", torch::full({4}, value)}};
  checkpoint.optimizer = {{"weight.exp_avg", torch::full({3, 4}, -value)},
                          {"weight.step", torch::tensor(value)}};
  checkpoint.progress.step = step;
  checkpoint.progress.seed = 11;
  checkpoint.progress.counters["images"] = 256.0 * static_cast<double>(step);
  return checkpoint;
}

inline bool SameTensors(const NamedTensors& a, const NamedTensors& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].first != b[i].first || !torch::equal(a[i].second, b[i].second)) return false;
  }
  return true;
}

/// Whether this is SampleCheckpoint(step), bit for bit.
inline bool IsSample(const TrainingCheckpoint& checkpoint, int64_t step) {
  const auto wanted = SampleCheckpoint(step);
  return SameTensors(checkpoint.model, wanted.model) && SameTensors(checkpoint.optimizer, wanted.optimizer) &&
         checkpoint.progress == wanted.progress;
}

}  // namespace mae
