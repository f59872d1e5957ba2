#include "server/admission.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

constexpr absl::Duration kShortestRetry = absl::Seconds(1);
// How much longer than expected it may take: what is answered just too late was run in vain.
constexpr double kSlack = 1.5;

absl::Status TryAgain(const std::string& message, absl::Duration after) {
  return WithRetryDelay(absl::ResourceExhaustedError(message), std::max(after, kShortestRetry));
}

std::string Shown(absl::Duration duration) {
  return absl::FormatDuration(absl::Trunc(duration, absl::Milliseconds(1)));
}

}  // namespace

absl::StatusOr<Admission::Ticket> Admission::Admit(const std::string& model, int64_t version, int64_t images,
                                                   absl::Time deadline) {
  const Key key(model, version);
  images = std::max<int64_t>(images, 1);
  // Without a deadline there is nothing to hold it against.
  const absl::Duration an_image = deadline == absl::InfiniteFuture()
                                      ? absl::ZeroDuration()
                                      : statistics_.ImageTime(model, version) / limits_.passes;
  {
    const absl::MutexLock lock(&mutex_);
    const auto it = loads_.find(key);
    const int64_t before = it == loads_.end() ? 0 : it->second.images;
    const absl::Duration takes = an_image * (before + images);
    if (before > 0 && before + images > limits_.max_images) {
      return TryAgain(absl::StrCat(before, " images wait for this model, and ", limits_.max_images,
                                   " may; try again later"),
                      takes);
    }
    if (before > 0 && absl::Now() + takes * kSlack > deadline) {
      return TryAgain(absl::StrCat(before, " images wait for this model, which takes some ", Shown(takes),
                                   "; the deadline comes before that: try again later, or allow more time"),
                      takes);
    }
    Load& load = loads_[key];
    ++load.requests;
    load.images += images;
  }
  return Ticket(nullptr, [this, key, images](const void*) { Leave(key, images); });
}

void Admission::Leave(const Key& version, int64_t images) {
  const absl::MutexLock lock(&mutex_);
  const auto it = loads_.find(version);
  it->second.images -= images;
  if (--it->second.requests == 0) loads_.erase(it);
}

std::map<Admission::Key, Admission::Load> Admission::Loads() const {
  const absl::MutexLock lock(&mutex_);
  return loads_;
}

}  // namespace mae
