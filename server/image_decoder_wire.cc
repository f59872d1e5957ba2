#include "server/image_decoder_wire.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace mae {
namespace {

constexpr std::chrono::milliseconds kLongestPoll = std::chrono::hours(1);

// Whether the socket can be used, or is broken, before the deadline.
bool Await(int socket, short event, WireClock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - WireClock::now());
    if (left.count() <= 0) return false;
    pollfd wanted = {socket, event, 0};
    const int ready = poll(&wanted, 1, static_cast<int>(std::min(left, kLongestPoll).count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

// Moves `bytes` by calls of `move`, which gives how many it took, 0 at the end of the stream.
template <typename Move>
bool MoveAll(int socket, short event, size_t bytes, WireClock::time_point deadline, const Move& move) {
  size_t done = 0;
  while (done < bytes) {
    const ssize_t moved = move(done);
    if (moved > 0) {
      done += static_cast<size_t>(moved);
    } else if (moved == 0 || (errno != EAGAIN && errno != EINTR)) {
      return false;
    } else if (errno == EAGAIN && !Await(socket, event, deadline)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool SendAll(int socket, const void* data, size_t bytes, WireClock::time_point deadline) {
  return MoveAll(socket, POLLOUT, bytes, deadline, [&](size_t done) {
    return send(socket, static_cast<const char*>(data) + done, bytes - done, MSG_NOSIGNAL | MSG_DONTWAIT);
  });
}

bool ReceiveAll(int socket, void* data, size_t bytes, WireClock::time_point deadline) {
  return MoveAll(socket, POLLIN, bytes, deadline, [&](size_t done) {
    return recv(socket, static_cast<char*>(data) + done, bytes - done, MSG_DONTWAIT);
  });
}

}  // namespace mae
