#include "server/listen_rules.h"

#include <gmock/gmock.h>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ServerConfig Listening(const std::string& grpc, const std::string& metrics = "127.0.0.1:0") {
  ServerConfig config;
  config.listen = grpc;
  config.metrics_listen = metrics;
  return config;
}

auto Refused(const std::string& words) {
  return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(words));
}

constexpr char kElsewhere[] = "0.0.0.0:0";

TEST(ListenRules, KnowsLoopback) {
  for (const char* here : {"127.0.0.1:1", "127.9.8.7:1", "[::1]:1", "localhost:1"})
    EXPECT_TRUE(IsLoopback(here)) << here;
  for (const char* there :
       {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "128.0.0.1:1", "[::ffff:10.0.0.1]:1", "0:1", "[fe80::1]:1"})
    EXPECT_FALSE(IsLoopback(there)) << there;
}

TEST(ListenRules, OnLoopbackAnythingGoesAndThatNobodyIsAskedIsTold) {
  ServerConfig config = Listening("127.0.0.1:0");
  EXPECT_THAT(
      CheckListenRules(config),
      IsOkAndHolds(ElementsAre(AllOf(HasSubstr("asks nobody who they are: everybody on this machine"),
                                     HasSubstr("auth.tokens"), HasSubstr("docs/operations/secure.md")))));
  config.auth.tokens = "tokens.yaml";
  EXPECT_THAT(CheckListenRules(config), IsOkAndHolds(IsEmpty()));
}

TEST(ListenRules, ElsewhereNeedsTlsAndCallersWhoAreAsked) {
  ServerConfig config = Listening(kElsewhere);
  EXPECT_THAT(CheckListenRules(config), Refused("--listen: 0.0.0.0:0 can be reached from elsewhere"));
  config.tls.certificate = config.tls.key = "file";
  EXPECT_THAT(CheckListenRules(config), Refused("auth.tokens"));
  config.auth.tokens = "tokens.yaml";
  EXPECT_THAT(CheckListenRules(config), IsOkAndHolds(IsEmpty()));
}

TEST(ListenRules, TheOptionThatNamesTheDangerAllowsItAndIsTold) {
  ServerConfig config = Listening(kElsewhere, kElsewhere);
  config.insecure_listen_for_everybody = config.insecure_metrics_listen_for_everybody = true;
  EXPECT_THAT(CheckListenRules(config),
              IsOkAndHolds(ElementsAre(AllOf(HasSubstr("asks nobody"), HasSubstr("who can reach it")),
                                       HasSubstr("no TLS"))));
}

TEST(ListenRules, TokensNeverTravelUnencrypted) {
  ServerConfig config = Listening(kElsewhere);
  config.insecure_listen_for_everybody = true;
  config.auth.tokens = "tokens.yaml";
  EXPECT_THAT(CheckListenRules(config), Refused("unencrypted"));
}

TEST(ListenRules, TheMetricsPortHasNoTls) {
  ServerConfig config = Listening(kElsewhere, kElsewhere);
  config.tls.certificate = config.tls.key = "file";
  config.auth.tokens = "tokens.yaml";
  config.insecure_listen_for_everybody = true;
  EXPECT_THAT(CheckListenRules(config), Refused("--metrics-listen")) << "the other flag is for gRPC";
  config.insecure_listen_for_everybody = false;
  config.insecure_metrics_listen_for_everybody = true;
  EXPECT_THAT(CheckListenRules(config), IsOkAndHolds(ElementsAre(HasSubstr("unencrypted"))));
}

TEST(ListenRules, AnOpenMetricsPortOpensNoGrpcWhoseTokensGotLost) {
  ServerConfig config = Listening(kElsewhere, kElsewhere);
  config.insecure_metrics_listen_for_everybody = true;
  config.tls.certificate = config.tls.key = "file";
  EXPECT_THAT(CheckListenRules(config), Refused("--listen: 0.0.0.0:0 can be reached from elsewhere"));
  config.tls = {};
  EXPECT_THAT(CheckListenRules(config), Refused("--listen: 0.0.0.0:0 can be reached from elsewhere"));
}

TEST(ListenRules, SettingsThatNeedEachOtherComeTogether) {
  ServerConfig config = Listening("127.0.0.1:0");
  config.tls.certificate = "file";
  EXPECT_THAT(CheckListenRules(config), Refused("tls.key"));
  config.tls = {};
  config.tls.client_ca = "file";
  EXPECT_THAT(CheckListenRules(config), Refused("tls.client_ca"));
  config.tls.certificate = config.tls.key = "file";
  EXPECT_THAT(CheckListenRules(config), Refused("auth.certificates"));
  config.auth.certificates["a"] = Role::kViewer;
  EXPECT_THAT(CheckListenRules(config), IsOk());
  config.tls.client_ca.clear();
  EXPECT_THAT(CheckListenRules(config), Refused("auth.certificates"));
}

}  // namespace
}  // namespace mae
