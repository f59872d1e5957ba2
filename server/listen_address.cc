#include "server/listen_address.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace mae {
namespace {

// The error number; 0: it can be bound.
int TryToBind(const addrinfo& address) {
  const int fd = socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  // As servers do: connections of the last one that still wind down are no reason to stay away.
  const int reuse = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
  const int error = bind(fd, address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
  close(fd);
  return error;
}

}  // namespace

std::string HostOf(absl::string_view address) {
  absl::string_view host = address.substr(0, address.rfind(':'));
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  return std::string(host);
}

absl::Status CheckCanListen(const std::string& address, const std::string& option) {
  const auto refused = [&](const char* reason, const char* remedy) {
    return absl::UnavailableError(
        absl::StrCat(option, ": can't listen on ", address, ": ", reason, "; ", remedy, " with ", option));
  };
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = address.substr(address.rfind(':') + 1);
  const int unknown = getaddrinfo(HostOf(address).c_str(), port.c_str(), &hints, &found);
  if (unknown != 0) return refused(gai_strerror(unknown), "choose another host");
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
  int error = 0;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    error = TryToBind(*each);
    if (error == 0) return absl::OkStatus();
  }
  return refused(strerror(error), "stop who uses it, or choose another");
}

}  // namespace mae
