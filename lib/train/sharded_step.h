#pragma once

#include <torch/torch.h>

#include "data/batch.h"
#include "options/train_options.h"
#include "train/step_trace.h"
#include "train/train_task.h"

namespace mae {

/// How many parts a batch is best trained in: on CPUs a part for each compute thread, of at least 32 images;
/// 1 on other devices, and for tasks whose parts are not independent of each other (TrainTask::shardable).
int64_t ShardsOf(const TrainTask& task, const Batch& batch, const torch::Device& device);

/// Forward and backward of a batch on CPU threads, a part of it each, and the sum of their gradients. Small
/// models spend much of a step in operations that LibTorch does not split over threads: whole parts side by
/// side leave no core idle meanwhile. The gradients are those of the whole batch up to rounding, and equal
/// bit for bit for equal `shards`.
///
/// Adds to the gradients of the task's model. Blocks until all parts are done; rethrows what one of them
/// threw.
/// @param shards at least 1, at most the images of the batch.
/// @param scale of the gradients; that of the measure stays.
/// @param trace where each part's forward and backward go, if not nullptr.
/// @return the measure of the whole batch, without graph.
TrainTask::Measure ForwardAndBackwardInShards(TrainTask& task, const Batch& batch, int64_t epoch,
                                              Precision precision, int64_t shards, double scale = 1.0,
                                              StepTrace* trace = nullptr);

}  // namespace mae
