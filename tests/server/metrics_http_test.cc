#include "server/metrics_http.h"

#include <gtest/gtest.h>

#include <stdexcept>

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

}  // namespace
}  // namespace mae
