#pragma once

#include <torch/torch.h>

#include <string>
#include <utility>
#include <vector>

#include "job/tensorboard_event.h"

namespace mae {

/// How the values of a tensor are spread, in 30 buckets of equal width from the least to the greatest. Values
/// that are not finite are left out. Waits for the tensor's device. torch errors throw c10::Error.
Histogram HistogramOf(const torch::Tensor& values);

/// That of each parameter's gradient, by the parameter's name; those without a gradient are left out.
std::vector<std::pair<std::string, Histogram>> GradientHistograms(const torch::nn::Module& module);

}  // namespace mae
