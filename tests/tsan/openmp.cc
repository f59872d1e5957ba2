// GNU's OpenMP is not instrumented: what is before a parallel region is before its threads, and they are
// before what comes after.
#include "tests/tsan/hand_over.h"

namespace {

struct Region {
  void (*run)(void*);
  void* data;
};

void Run(void* of_all) {
  auto* const region = static_cast<Region*>(of_all);
  __tsan_acquire(region);
  region->run(region->data);
  __tsan_release(region);
}

}  // namespace

extern "C" void GOMP_parallel(void (*run)(void*), void* data, unsigned threads, unsigned flags) {
  using Parallel = void(void (*)(void*), void*, unsigned, unsigned);
  static auto* const next = mae::NextDefinition<Parallel>("GOMP_parallel");
  Region region = {run, data};
  __tsan_release(&region);
  next(Run, &region, threads, flags);
  __tsan_acquire(&region);
}
