#include "server/caller_limits.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace mae {
namespace {

constexpr size_t kManyCallers = 1024;

}  // namespace

absl::Status CallerLimits::Admit(const std::string& identity, absl::Time now) {
  if (settings_.calls_per_second == 0 && settings_.concurrent_calls == 0) return absl::OkStatus();
  const absl::MutexLock lock(&mutex_);
  if (usage_.size() >= kManyCallers) Forget(now);
  Usage& usage = usage_[identity];
  if (settings_.concurrent_calls > 0 && usage.under_way >= settings_.concurrent_calls) {
    return absl::ResourceExhaustedError(
        absl::StrCat("auth.max_concurrent_calls: ", identity, " has ", usage.under_way,
                     " calls under way, which is as many as one caller may; end some first"));
  }
  return Take(usage, now);
}

absl::Status CallerLimits::Take(Usage& usage, absl::Time now) const {
  if (settings_.calls_per_second == 0) return absl::OkStatus();
  const auto rate = static_cast<double>(settings_.calls_per_second);
  const double came = std::max(0.0, absl::ToDoubleSeconds(now - usage.filled)) * rate;
  usage.tokens = std::min(rate, usage.tokens + came);
  usage.filled = now;
  if (usage.tokens >= 1) {
    usage.tokens -= 1;
    return absl::OkStatus();
  }
  const absl::Duration wait = absl::Ceil(absl::Seconds((1 - usage.tokens) / rate), absl::Milliseconds(1));
  return absl::ResourceExhaustedError(
      absl::StrCat("auth.max_calls_per_second: one caller may make ", settings_.calls_per_second,
                   " calls a second; try again in ", absl::FormatDuration(wait)));
}

void CallerLimits::Begin(const std::string& identity) {
  const absl::MutexLock lock(&mutex_);
  ++usage_[identity].under_way;
}

void CallerLimits::End(const std::string& identity) {
  const absl::MutexLock lock(&mutex_);
  const auto found = usage_.find(identity);
  if (found != usage_.end() && found->second.under_way > 0) --found->second.under_way;
}

void CallerLimits::Forget(absl::Time now) {
  // A bucket that has had a second to fill is as that of somebody new.
  std::erase_if(usage_, [&](const auto& each) {
    return each.second.under_way == 0 && now - each.second.filled > absl::Seconds(1);
  });
}

}  // namespace mae
