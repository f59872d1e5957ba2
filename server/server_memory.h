#pragma once

namespace mae {

/// Makes the C library keep two heaps instead of eight for each core: a server has some hundred threads, of
/// which a few allocate at a time, and what one heap has free no other can use. For the whole process: call
/// it first in main, before there are threads.
void ShareHeaps();

}  // namespace mae
