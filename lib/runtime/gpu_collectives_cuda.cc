#include <c10/cuda/CUDAFunctions.h>

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "runtime/gpu_collectives.h"

namespace mae {

void AddGpuCollectives(c10d::ProcessGroup& group, const c10::intrusive_ptr<c10d::Store>& store,
                       const RankPlace& place, std::chrono::milliseconds timeout) {
  if (c10::cuda::device_count() == 0) return;
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  const c10::intrusive_ptr<c10d::Backend> nccl = c10::make_intrusive<c10d::ProcessGroupNCCL>(
      store, static_cast<int>(place.rank), static_cast<int>(place.ranks), std::move(options));
  group.setBackend(c10::kCUDA, c10d::ProcessGroup::BackendType::NCCL, nccl);
}

}  // namespace mae
