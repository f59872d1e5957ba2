#pragma once

#include <torch/torch.h>

#include <cstdint>

/// Cross-entropy of targets that are shares of classes instead of one class: what mixup, cutmix and label
/// smoothing train with. Pure functions; shape errors throw c10::Error.
namespace mae {

/// One-hot rows with `smoothing` of the weight spread evenly over all classes (Szegedy et al. 2016,
/// arXiv:1512.00567, sec. 7): the label has 1 - smoothing + smoothing / classes, the others smoothing /
/// classes.
/// @param labels [B] int64, each in 0 .. classes-1.
/// @param smoothing in [0, 1).
/// @return [B, classes] float32 on the labels' device; each row sums to 1.
torch::Tensor SmoothedTargets(const torch::Tensor& labels, int64_t classes, double smoothing);

/// Mean over the batch of -sum(targets * log_softmax(logits)), computed in float32 whatever the autocast.
/// @param logits [B, classes] of any float type. @param targets [B, classes] float32.
/// @return a float32 scalar with the graph of the logits.
torch::Tensor SoftTargetCrossEntropy(const torch::Tensor& logits, const torch::Tensor& targets);

}  // namespace mae
