#include <torch/csrc/distributed/c10d/Store.hpp>

#include "runtime/gpu_collectives.h"

namespace mae {

void AddGpuCollectives(c10d::ProcessGroup&, const c10::intrusive_ptr<c10d::Store>&, const RankPlace&,
                       std::chrono::milliseconds) {}

}  // namespace mae
