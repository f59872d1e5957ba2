#pragma once

#include <cstdint>

namespace mae {

/// What the elements of one parameter have in common in a step of AdamW (Loshchilov & Hutter 2019,
/// arXiv:1711.05101, algorithm 2), bias corrections worked in.
struct AdamWFactors {
  float gradient_scale = 1;                  ///< of the gradient before all else: 1, or what clips it
  float decay = 1;                           ///< of the weight: 1 - rate * weight decay
  float mean_share = 1;                      ///< of the gradient in its moving average: 1 - beta1
  float square_decay = 0, square_share = 1;  ///< of the average of its square: beta2, 1 - beta2
  float step_size = 0;                       ///< rate / (1 - beta1^t)
  float root_correction = 1;                 ///< sqrt(1 - beta2^t)
  float epsilon = 0;
  float average_share = 0;  ///< of the weight in its moving average: 1 - decay of the average
};

/// Where a run of elements lies. The gradient is read, all else is moved.
struct AdamWElements {
  float* weight;
  const float* gradient;
  float *mean, *square;
  float* average;  ///< nullptr: the weight has none
};

/// Clipping, weight decay, AdamW and the moving average of the weight, reading and writing each element once,
/// in float32. An element's result is the same wherever its run begins and ends. Needs HasAvx512Bf16().
/// Thread-safe for elements that don't overlap.
void AdamWUpdate(const AdamWFactors& factors, const AdamWElements& elements, int64_t count);

}  // namespace mae
