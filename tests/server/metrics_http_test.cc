#include "server/metrics_http.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/joined_thread.h"
#include "tests/fakes/status_matchers.h"
#include "tests/server/server_fixture.h"

namespace mae {
namespace {

class ThrowingSource : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override { throw std::runtime_error("odd"); }
};

TEST(MetricsHttp, WhatASourceThrowsIsA500AndTheServerGoesOn) {
  const auto http =
      MetricsHttp::Start("127.0.0.1:0", {std::make_shared<ThrowingSource>()}, [] { return true; });
  ASSERT_THAT(http, IsOk());
  for (int i = 0; i < 2; ++i) {
    int code = 0;
    EXPECT_EQ(HttpGetFrom((*http)->address(), "/metrics", &code), "an error, which is in the server's log\n");
    EXPECT_EQ(code, 500);
    EXPECT_EQ(HttpGetFrom((*http)->address(), "/healthz", &code), "ok\n");
    EXPECT_EQ(code, 200);
  }
}

std::unique_ptr<MetricsHttp> Listen(const std::string& address, MetricsHttp::Sources sources = {}) {
  return MetricsHttp::Start(address, std::move(sources), [] { return true; }).value();
}

int CodeOf(const MetricsHttp& http, const std::string& path, const std::string& headers = "") {
  int code = 0;
  HttpGetFrom(http.address(), path, &code, headers);
  return code;
}

/// A client that never gets to the end of its request.
class SlowClient {
 public:
  explicit SlowClient(const std::string& address) {
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
    SendByte();
  }
  ~SlowClient() { close(fd_); }
  SlowClient(const SlowClient&) = delete;
  SlowClient& operator=(const SlowClient&) = delete;

  void SendByte() const { send(fd_, "G", 1, MSG_NOSIGNAL); }
  /// Whether the server says something, or ends the connection, within that time.
  bool IsToldWithin(absl::Duration time) const {
    pollfd waits = {fd_, POLLIN, 0};
    return poll(&waits, 1, static_cast<int>(absl::ToInt64Milliseconds(time))) > 0;
  }

 private:
  const int fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

TEST(MetricsHttp, ManySlowClientsLeaveAThreadForAProbe) {
  const auto http = Listen("127.0.0.1:0");
  std::deque<SlowClient> clients;
  for (int i = 0; i < 31; ++i) clients.emplace_back(http->address());
  const absl::Time start = absl::Now();
  EXPECT_EQ(CodeOf(*http, "/healthz"), 200);
  // With few threads it would wait for all of them to be given up, some at a time.
  EXPECT_LT(absl::Now() - start, absl::Seconds(8));
}

TEST(MetricsHttp, ARequestThatComesByteByByteIsGivenUp) {
  const auto http = Listen("127.0.0.1:0");
  const SlowClient client(http->address());
  const absl::Time start = absl::Now();
  while (!client.IsToldWithin(absl::Milliseconds(100)) && absl::Now() - start < absl::Seconds(8))
    client.SendByte();
  EXPECT_TRUE(client.IsToldWithin(absl::ZeroDuration()));
}

/// Collects when it is told to.
class WaitingSource : public prometheus::Collectable {
 public:
  explicit WaitingSource(int waiters) : waiters_(waiters) {}
  std::vector<prometheus::MetricFamily> Collect() const override {
    if (++waiting_ == waiters_) all_wait_.Notify();
    go_.WaitForNotificationWithTimeout(kPatience);
    return {};
  }
  bool AwaitWaiters() const { return all_wait_.WaitForNotificationWithTimeout(kPatience); }
  void Go() { go_.Notify(); }

 private:
  static constexpr absl::Duration kPatience = absl::Seconds(20);
  const int waiters_;
  mutable std::atomic<int> waiting_ = 0;
  mutable absl::Notification all_wait_;
  absl::Notification go_;
};

TEST(MetricsHttp, AnswersThatTakeLongLeaveThreadsForProbes) {
  constexpr int kAnswers = 16;
  const auto source = std::make_shared<WaitingSource>(kAnswers);
  const auto http = Listen("127.0.0.1:0", {source});
  {
    std::deque<JoinedThread> callers;
    for (int i = 0; i < kAnswers; ++i)
      callers.emplace_back([&http] { EXPECT_EQ(CodeOf(*http, "/metrics"), 200); });
    EXPECT_TRUE(source->AwaitWaiters());
    EXPECT_EQ(CodeOf(*http, "/metrics"), 503);
    EXPECT_EQ(CodeOf(*http, "/healthz"), 200);
    EXPECT_EQ(CodeOf(*http, "/readyz"), 200);
    source->Go();
  }
}

// A page of a stranger reaches a server on loopback by a name that its owner lets stand for 127.0.0.1.
TEST(MetricsHttp, OnLoopbackAStrangersNameIsRefused) {
  const auto http = Listen("127.0.0.1:0");
  for (const char* host : {"rebind.example", "rebind.example:9500", "127.0.0.1.rebind.example",
                           "localhost.rebind.example", "127.0.0.1x"}) {
    EXPECT_EQ(CodeOf(*http, "/metrics", absl::StrCat("Host: ", host, "\r\n")), 421) << host;
    EXPECT_EQ(CodeOf(*http, "/healthz", absl::StrCat("Host: ", host, "\r\n")), 200) << host;
  }
  EXPECT_THAT(HttpGetFrom(http->address(), "/metrics", nullptr, "Host: rebind.example\r\n"),
              testing::HasSubstr("Host: localhost"));
}

TEST(MetricsHttp, ItsOwnNamesAreTaken) {
  const auto http = Listen("127.0.0.1:0");
  for (const char* host :
       {"127.0.0.1", "127.0.0.1:9500", "10.1.2.3:80", "localhost", "LocalHost:9500", "[::1]", "[::1]:9500"}) {
    EXPECT_EQ(CodeOf(*http, "/metrics", absl::StrCat("Host: ", host, "\r\n")), 200) << host;
  }
  EXPECT_EQ(CodeOf(*http, "/metrics"), 200) << "no name";
}

TEST(MetricsHttp, OpenToOthersItIsTakenByAnyName) {
  EXPECT_EQ(CodeOf(*Listen("0.0.0.0:0"), "/metrics", "Host: server.monitoring.svc:9500\r\n"), 200);
}

}  // namespace
}  // namespace mae
