#pragma once

#include <torch/torch.h>

namespace mae {

inline const torch::Device kCpu(torch::kCPU);  ///< where the tests of this folder train

}  // namespace mae
