#include "server/open_streams.h"

#include <vector>

namespace mae {

bool OpenStreams::Add(Stream& stream) {
  const absl::MutexLock lock(&mutex_);
  streams_.insert(&stream);
  return draining_;
}

void OpenStreams::Remove(Stream& stream) {
  const absl::MutexLock lock(&mutex_);
  streams_.erase(&stream);
}

void OpenStreams::Drain() {
  std::vector<Stream*> to_go_on;  // Without the lock: a stream may end, and remove itself, within GoOn.
  {
    const absl::MutexLock lock(&mutex_);
    draining_ = true;
    for (Stream* stream : streams_) {
      if (stream->BeginDrain()) to_go_on.push_back(stream);
    }
  }
  for (Stream* stream : to_go_on) stream->GoOn();
}

}  // namespace mae
