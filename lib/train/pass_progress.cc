#include "train/pass_progress.h"

#include <utility>

namespace mae {

PassProgress::PassProgress(int64_t images, Tell tell, Clock::time_point now)
    : images_(images), tell_(std::move(tell)), begin_(now), told_(now) {}

void PassProgress::Seen(int64_t images, Clock::time_point now) {
  done_ += images;
  if (now - told_ < std::chrono::seconds(1)) return;
  told_ = now;
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  const double rate = static_cast<double>(done_) / seconds;
  tell_({done_, images_, rate, static_cast<double>(images_ - done_) / rate});
}

}  // namespace mae
