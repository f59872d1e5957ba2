#include "runtime/compute_threads.h"

#include <ATen/Parallel.h>

namespace mae {

void ForParts(int64_t begin, int64_t end, absl::FunctionRef<void(int64_t first, int64_t end)> run) {
  at::parallel_for(begin, end, /*grain_size=*/1, run);
}

}  // namespace mae
