#pragma once

#include "runtime/device_pass.h"

namespace mae {

/// DevicePass on a GPU: graphed_pass_cuda.cc in builds with CUDA. Others see no GPU, and graphed_pass_cpu.cc
/// throws c10::Error.
std::unique_ptr<DevicePass> MakeGraphedPass(const torch::Device& device, int64_t max_batch,
                                            DevicePass::Forward forward);

}  // namespace mae
