#pragma once

#include <torch/torch.h>

#include <chrono>

#include "runtime/process_group.h"

namespace c10d {
class Store;
}

namespace mae {

/// Gives a group NCCL for tensors on this rank's GPU: gpu_collectives_cuda.cc in builds with CUDA where there
/// is a GPU. Others see none, and gpu_collectives_cpu.cc adds nothing.
void AddGpuCollectives(c10d::ProcessGroup& group, const c10::intrusive_ptr<c10d::Store>& store,
                       const RankPlace& place, std::chrono::milliseconds timeout);

}  // namespace mae
