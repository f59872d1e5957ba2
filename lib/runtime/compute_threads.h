#pragma once

#include <cstdint>

#include "absl/functional/function_ref.h"

namespace mae {

/// Calls run(first, end) for parts of begin to end, a part a compute thread of LibTorch
/// (at::get_num_threads() of the calling thread), equal ones in order of at::get_thread_num(), and returns
/// when all have ended. With one thread, or from within, it calls run(begin, end). Exceptions pass through.
///
/// at::parallel_for is a template that is serial in code compiled without OpenMP; this is the one place that
/// has it.
void ForParts(int64_t begin, int64_t end, absl::FunctionRef<void(int64_t first, int64_t end)> run);

}  // namespace mae
