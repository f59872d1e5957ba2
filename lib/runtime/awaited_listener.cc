#include "runtime/awaited_listener.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace mae {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(100);
constexpr int kConnectMs = 500;

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

// 0, or an errno.
int TryConnect(const addrinfo& address) {
  const int socket_fd =
      socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol);
  if (socket_fd < 0) return errno;
  const absl::Cleanup closes = [&] { close(socket_fd); };
  if (connect(socket_fd, address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd waiting = {socket_fd, POLLOUT, 0};
  if (poll(&waiting, 1, kConnectMs) <= 0) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  return getsockopt(socket_fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

// Empty, or what is wrong.
std::string TryReach(const std::string& host, int64_t port) {
  addrinfo hints = {}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  const int resolved = getaddrinfo(host.c_str(), absl::StrCat(port).c_str(), &hints, &found);
  if (resolved != 0) return gai_strerror(resolved);
  const Addresses owned(found, &freeaddrinfo);
  int error = 0;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    error = TryConnect(*address);
    if (error == 0) return "";
  }
  return strerror(error);
}

}  // namespace

absl::Status AwaitListener(const std::string& host, int64_t port, absl::Time deadline,
                           const std::atomic<bool>& stop) {
  while (true) {
    const std::string trouble = TryReach(host, port);
    if (trouble.empty()) return absl::OkStatus();
    if (stop)
      return absl::CancelledError(absl::StrCat("asked to stop before ", host, ":", port, " answered"));
    if (absl::Now() > deadline) {
      return absl::UnavailableError(absl::StrCat("nobody answers at ", host, ":", port, ": ", trouble));
    }
    absl::SleepFor(kPause);
  }
}

}  // namespace mae
