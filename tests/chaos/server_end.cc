#include "tests/chaos/server_end.h"

#include <csignal>

namespace mae {
namespace {

constexpr int kKilled = 128 + SIGKILL;

}  // namespace

bool IsExplained(int exit_code, const ServerTold& told) {
  if (exit_code == kKilled) return told.by_kill;
  if (exit_code == 0) return told.by_term;
  // Without memory libraries throw, abort and lose threads; a shutdown then ends by its last resort, with 1.
  return exit_code > 0 && told.lacked_memory;
}

bool IsExplainedStart(int exit_code, FaultPage::Effect effect) {
  const bool kills = effect == FaultPage::kKill || effect == FaultPage::kTear;
  return exit_code == (kills ? kKilled : 1);
}

}  // namespace mae
