#include "server/transfer_place.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

// Whoever waits for a message must have asked for it before he gives it up.
constexpr absl::Duration kShortestPatience = absl::Seconds(1);

}  // namespace

TransferPlace::TransferPlace(Transfers& transfers)
    : transfers_(transfers), taken_(Take(transfers)), end_(absl::Now() + transfers.limits.whole) {}

TransferPlace::~TransferPlace() {
  if (taken_) transfers_.running.fetch_sub(1);
}

bool TransferPlace::Take(Transfers& transfers) {
  int running = transfers.running.load();
  while (running < transfers.limits.max_running) {
    if (transfers.running.compare_exchange_weak(running, running + 1)) return true;
  }
  return false;
}

absl::Status TransferPlace::TooMany() const {
  constexpr absl::Duration kRetry = absl::Seconds(10);
  return WithRetryDelay(absl::ResourceExhaustedError(absl::StrCat(transfers_.limits.max_running,
                                                                  " transfers run already; try again later")),
                        kRetry);
}

absl::Duration TransferPlace::Patience() const {
  const absl::Duration stall = transfers_.limits.stall;
  return std::clamp(end_ - absl::Now(), std::min(stall, kShortestPatience), stall);
}

bool TransferPlace::TimeIsUp() const { return absl::Now() >= end_; }

}  // namespace mae
