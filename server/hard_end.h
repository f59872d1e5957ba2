#pragma once

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "base/joined_thread.h"

namespace mae {

/// Ends the process with exit code 1 if this object still lives after `patience`: the last resort against a
/// shutdown that hangs in a library. Nothing is lost by it that a kill would not lose: what was acknowledged
/// is on the disk.
class HardEnd {
 public:
  explicit HardEnd(absl::Duration patience);
  ~HardEnd();
  HardEnd(const HardEnd&) = delete;
  HardEnd& operator=(const HardEnd&) = delete;

 private:
  absl::Notification disarmed_;
  JoinedThread thread_;
};

}  // namespace mae
