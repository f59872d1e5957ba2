#include "serving/live_predictors.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"

namespace mae {
namespace {

// How long it may go unnoticed that the caller has gone: is_cancelled can only be asked.
constexpr absl::Duration kAskAgain = absl::Milliseconds(200);

}  // namespace

std::shared_ptr<const Predictor> LivePredictors::Share(const std::string& key,
                                                       std::unique_ptr<Predictor> predictor) {
  const absl::MutexLock lock(&state_->mutex);
  const int64_t number = ++state_->newest;
  state_->numbers[key].insert(number);
  // It is counted out once its memory has gone, not before.
  return {predictor.release(), [state = state_, key, number](const Predictor* last) {
            delete last;
            const absl::MutexLock out(&state->mutex);
            const auto it = state->numbers.find(key);
            it->second.erase(number);
            if (it->second.empty()) state->numbers.erase(it);
          }};
}

absl::Status LivePredictors::WaitUntilGone(const std::string& key, const RequestContext& context) const {
  State& state = *state_;
  const absl::MutexLock lock(&state.mutex);
  const int64_t newest = state.newest;
  const auto gone = [&]() {
    state.mutex.AssertReaderHeld();
    const auto it = state.numbers.find(key);
    return it == state.numbers.end() || *it->second.begin() > newest;
  };
  while (true) {
    const absl::Time until = std::min(context.deadline, absl::Now() + kAskAgain);
    if (state.mutex.AwaitWithDeadline(absl::Condition(&gone), until)) return absl::OkStatus();
    if (context.is_cancelled && context.is_cancelled()) return absl::CancelledError("the caller has gone");
    if (absl::Now() >= context.deadline) {
      return absl::DeadlineExceededError(
          "requests still run on the model; no new one is given it, and its memory goes with the last of "
          "them");
    }
  }
}

}  // namespace mae
