#include "trainer/step_memory.h"

#include <malloc.h>

namespace mae {

void KeepStepMemory() {
  // The largest block that the heap takes (glibc refuses more), and a top of the heap as large as a step
  // needs.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
}

}  // namespace mae
