#include "server/server_memory.h"

#include <malloc.h>

namespace mae {

void ShareHeaps() { mallopt(M_ARENA_MAX, 2); }

}  // namespace mae
