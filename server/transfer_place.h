#pragma once

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/work_queue.h"
#include "server/stall_watch.h"

namespace mae {

struct TransferLimits {
  absl::Duration stall = absl::Seconds(60);  ///< how long a transfer waits for its client's next message
  absl::Duration whole = absl::Hours(6);     ///< how long one may take
  int max_running = 8;                       ///< together
};

/// What the streams of one kind share: how many run, who waits for a client, and the threads that wait for
/// the disk, so that neither gRPC's nor those of other calls do. Thread-safe; outlives the gRPC server.
struct Transfers {
  explicit Transfers(TransferLimits given) : limits(given), queue(kThreads, given.max_running) {}

  static constexpr int kThreads = 2;
  const TransferLimits limits;
  std::atomic<int> running = 0;
  StallWatch watch{};
  WorkQueue queue;  ///< has room for every running transfer, which has one piece of work at a time
};

/// Takes its place among the running transfers, if there is one, for as long as it lives. Not thread-safe.
class TransferPlace {
 public:
  explicit TransferPlace(Transfers& transfers);
  ~TransferPlace();
  TransferPlace(const TransferPlace&) = delete;
  TransferPlace& operator=(const TransferPlace&) = delete;

  bool taken() const { return taken_; }
  /// RESOURCE_EXHAUSTED with RetryInfo: why there is no place.
  absl::Status TooMany() const;
  /// How long the client may let the next message wait.
  absl::Duration Patience() const;
  bool TimeIsUp() const;

 private:
  static bool Take(Transfers& transfers);

  Transfers& transfers_;
  const bool taken_;
  const absl::Time end_;
};

}  // namespace mae
