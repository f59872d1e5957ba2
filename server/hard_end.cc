#include "server/hard_end.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

namespace mae {

HardEnd::HardEnd(absl::Duration patience) {
  thread_ = JoinedThread([this, patience] {
    if (disarmed_.WaitForNotificationWithTimeout(patience)) return;
    spdlog::critical("the shutdown hangs; ending at once");
    _exit(1);
  });
}

HardEnd::~HardEnd() { disarmed_.Notify(); }

}  // namespace mae
