#include "runtime/compute_threads.h"

#include <ATen/Parallel.h>

namespace mae {
namespace {

// With the first work that a thread cuts here, LibTorch gives it the number of threads that any thread asked
// for last. What it was told itself counts.
void KeepThreadCount() {
  [[maybe_unused]] static thread_local const bool is_kept = [] {
    const int threads = at::get_num_threads();
    at::internal::lazy_init_num_threads();
    at::set_num_threads(threads);
    return true;
  }();
}

}  // namespace

void ForParts(int64_t begin, int64_t end, absl::FunctionRef<void(int64_t first, int64_t end)> run) {
  KeepThreadCount();
  at::parallel_for(begin, end, /*grain_size=*/1, run);
}

}  // namespace mae
