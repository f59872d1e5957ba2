#include "client/connection.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;

class ConnectionTest : public testing::Test {
 protected:
  void SetUp() override {
    unsetenv("MAE_SERVER");
    unsetenv("MAE_TOKEN_FILE");
    contexts_.by_name["lab"] = {"gpu1:8500", "lab.token", "lab.pem"};
    contexts_.by_name["home"] = {"127.0.0.1:1", "", ""};
    std::ofstream(temp_ / "token") << "secret\n";
  }
  void TearDown() override { SetUp(); }

  // Whether the token would be sent to `server` without TLS.
  absl::Status OpenWithToken(const std::string& server) {
    return Connection::Open({server, temp_ / "token", ""}, absl::Seconds(1)).status();
  }

  const TempFolder temp_;
  Contexts contexts_;
  GlobalOptions options_;
};

TEST_F(ConnectionTest, TheServerIsTheOptionElseTheEnvironmentElseTheContextElseLoopback) {
  EXPECT_EQ(ChooseServer(options_, contexts_)->server, "127.0.0.1:8500");
  contexts_.current = "home";
  EXPECT_EQ(ChooseServer(options_, contexts_)->server, "127.0.0.1:1");
  setenv("MAE_SERVER", "environment:2", 1);
  EXPECT_EQ(ChooseServer(options_, contexts_)->server, "environment:2");
  options_.context = "lab";
  EXPECT_EQ(ChooseServer(options_, contexts_)->server, "gpu1:8500")
      << "--context is typed, MAE_SERVER lies about";
  options_.server = "typed:3";
  EXPECT_EQ(ChooseServer(options_, contexts_)->server, "typed:3");
}

TEST_F(ConnectionTest, SecretsOfAContextGoToItsServerAlone) {
  contexts_.current = "lab";
  EXPECT_EQ(ChooseServer(options_, contexts_)->token_file, "lab.token");
  EXPECT_EQ(ChooseServer(options_, contexts_)->ca_file, "lab.pem");
  options_.server = "typed:3";
  EXPECT_EQ(ChooseServer(options_, contexts_)->token_file, "");
  EXPECT_EQ(ChooseServer(options_, contexts_)->ca_file, "");
  options_.token_file = "typed.token";
  EXPECT_EQ(ChooseServer(options_, contexts_)->token_file, "typed.token");
}

TEST_F(ConnectionTest, AnUnknownContextNamesThoseThereAre) {
  options_.context = "labb";
  EXPECT_THAT(ChooseServer(options_, contexts_),
              StatusIs(StatusCode::kNotFound, AllOf(HasSubstr("'labb'"), HasSubstr("home, lab"))));
}

TEST_F(ConnectionTest, ATokenTravelsUnencryptedToThisMachineAlone) {
  for (const char* here :
       {"127.0.0.1:8500", "127.1.2.3:1", "localhost:8500", "[::1]:8500", "unix:/run/mae"}) {
    EXPECT_THAT(OpenWithToken(here), IsOk()) << here;
  }
  for (const char* elsewhere : {"gpu1:8500", "10.0.0.1:8500", "127.example.com:8500",
                                "127.0.0.1.example.com:8500", "localhost.example.com:8500", "[::11]:8500"}) {
    EXPECT_THAT(OpenWithToken(elsewhere), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("unencrypted")))
        << elsewhere;
  }
}

TEST_F(ConnectionTest, ACertificateNeedsItsKeyAndTls) {
  const auto opened = [&](const std::string& ca, const std::string& cert, const std::string& key) {
    return Connection::Open({"gpu1:1", "", ca, cert, key}, absl::Seconds(1)).status();
  };
  const std::string file = temp_ / "token";
  EXPECT_THAT(opened(file, file, ""), StatusIs(StatusCode::kInvalidArgument, HasSubstr("--key-file")));
  EXPECT_THAT(opened(file, "", file), StatusIs(StatusCode::kInvalidArgument, HasSubstr("--cert-file")));
  EXPECT_THAT(opened("", file, file), StatusIs(StatusCode::kInvalidArgument, HasSubstr("--ca-file")));
  EXPECT_THAT(opened(file, file, temp_ / "none.key"), StatusIs(StatusCode::kNotFound, HasSubstr("none.key")));
}

TEST_F(ConnectionTest, ATokenOrAuthorityThatIsNotThereIsNamed) {
  EXPECT_THAT(Connection::Open({"localhost:1", temp_ / "none", ""}, absl::Seconds(1)),
              StatusIs(StatusCode::kNotFound, HasSubstr("none")));
  EXPECT_THAT(Connection::Open({"gpu1:1", "", temp_ / "none.pem"}, absl::Seconds(1)),
              StatusIs(StatusCode::kNotFound, HasSubstr("none.pem")));
}

}  // namespace
}  // namespace mae
