#pragma once

#include <cstdint>

#include "augment/batch_mix.h"
#include "data/batch.h"

namespace mae {

/// Mixes a batch of a classifier with itself in reverse order, on the device where it is, and gives it soft
/// targets: mixup blends the images, cutmix puts the box of the partner in place, and the targets blend by
/// the same share. With a share of 1 the targets are the smoothed labels alone.
///
/// The labels of the result are those with the larger share, for counting accuracy. Gradients are not
/// tracked. The given batch is not written to, but shares what did not change.
/// @param mix of this batch. @param classes of the head. @param smoothing in [0, 1).
Batch MixBatch(const Batch& batch, const BatchMix& mix, int64_t classes, double smoothing);

}  // namespace mae
