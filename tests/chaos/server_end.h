#pragma once

#include "tests/fakes/fault_page.h"

namespace mae {

/// What may have ended a server since its start.
struct ServerTold {
  bool by_term = false;        ///< SIGTERM was sent
  bool by_kill = false;        ///< SIGKILL was sent, or a fault that kills was armed
  bool lacked_memory = false;  ///< its address space was limited
};

/// Whether an exit code (128 + N for signal N, -1 for a server that did not end) is one that it may end with.
bool IsExplained(int exit_code, const ServerTold& told);
/// Likewise of a start in which a call met a fault.
bool IsExplainedStart(int exit_code, FaultPage::Effect effect);

}  // namespace mae
