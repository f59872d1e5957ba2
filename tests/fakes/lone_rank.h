#pragma once

#include "runtime/process_group.h"

namespace mae {

/// The group of a process that trains by itself.
inline ProcessGroup& LoneRank() {
  static ProcessGroup group;
  return group;
}

}  // namespace mae
