// mae_client at the door of a mae_server that asks who calls, over TLS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/e2e/test_server.h"
#include "tests/fakes/test_authority.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Access : public testing::Test {
 protected:
  void SetUp() override {
    const auto own = authority_.Issue({.ip = "127.0.0.1"});
    const auto anns = authority_.Issue({.common_name = "ann"});
    Write("ca.pem", authority_.pem());
    Write("server.pem", own.certificate);
    Write("server.key", own.key);
    Write("ann.pem", anns.certificate);
    Write("ann.key", anns.key);
    const auto made =
        RunProgram({BinaryPath("mae_server"), "make-token", "--name", "bob", "--role", "viewer"}, {},
                   server_.root() / "output");
    ASSERT_EQ(made.exit_code, 0) << made.err;
    const std::pair<std::string, std::string> parts = absl::StrSplit(made.out, absl::MaxSplits('\n', 1));
    Write("bob.token", parts.first);
    Write("tokens.yaml", parts.second);
    server_.Start({"--set", absl::StrCat("tls.certificate=", File("server.pem")), "--set",
                   absl::StrCat("tls.key=", File("server.key")), "--set",
                   absl::StrCat("tls.client_ca=", File("ca.pem")), "--set",
                   absl::StrCat("auth.tokens=", File("tokens.yaml")), "--set",
                   "auth.certificates.ann=operator"});
  }

  std::string File(const std::string& name) const { return (server_.root() / name).string(); }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(File(name)) << text;
    chmod(File(name).c_str(), 0600);
  }

  TestServer server_;
  const TestAuthority authority_;
};

TEST_F(Access, TheClientComesInByTokenOrCertificateAndSaysWhatItLacks) {
  const std::vector<std::string> tls = {"--ca-file", File("ca.pem")};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), tls.begin(), tls.end());
    return server_.Client(more);
  };
  const auto stranger = with({"list-jobs"});
  EXPECT_EQ(stranger.exit_code, 5);
  EXPECT_THAT(stranger.err, HasSubstr("--token-file FILE"));

  EXPECT_EQ(with({"list-jobs", "--token-file", File("bob.token")}).exit_code, 0);
  const auto viewer = with({"stop-job", "jobs/none", "--token-file", File("bob.token")});
  EXPECT_EQ(viewer.exit_code, 5);
  EXPECT_THAT(viewer.err, AllOf(HasSubstr("needs the role operator or admin"), HasSubstr("bob has viewer")));

  const auto by_certificate =
      with({"stop-job", "jobs/none", "--cert-file", File("ann.pem"), "--key-file", File("ann.key")});
  EXPECT_EQ(by_certificate.exit_code, 3) << "let in; there is no such job: " << by_certificate.err;
}

TEST_F(Access, WhoDoesNotTrustTheServerOrSpeaksNoTlsIsToldSoAndNotToStartOne) {
  const TestAuthority other;
  Write("other.pem", other.pem());
  const auto distrusts = server_.Client({"list-jobs", "--ca-file", File("other.pem")});
  EXPECT_EQ(distrusts.exit_code, 4);
  EXPECT_THAT(distrusts.err, AllOf(HasSubstr("certificate is not trusted"), HasSubstr("--ca-file FILE"),
                                   Not(HasSubstr("mae_server --listen"))));

  const auto plain = server_.Client({"list-jobs", "--token-file", File("bob.token")});
  EXPECT_EQ(plain.exit_code, 4);
  EXPECT_THAT(plain.err, AllOf(HasSubstr("if it uses TLS"), HasSubstr("--ca-file FILE"),
                               Not(HasSubstr("mae_server --listen"))));
}

TEST_F(Access, AContextKeepsWhatLetsOneIn) {
  ASSERT_EQ(server_
                .Client({"config", "set", "lab", "--ca-file", File("ca.pem"), "--cert-file", File("ann.pem"),
                         "--key-file", File("ann.key")})
                .exit_code,
            0);
  const std::map<std::string, std::string> environment = {
      {"XDG_CONFIG_HOME", (server_.root() / "config").string()}};
  const auto listed = RunProgram({BinaryPath("mae_client"), "--context", "lab", "list-jobs"}, environment,
                                 server_.root() / "output");
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
}

}  // namespace
}  // namespace mae
