#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/client/client_process.h"
#include "tests/client/fake_server.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::HasSubstr;

class ConfigTest : public testing::Test {
 protected:
  ClientResult Run(const std::vector<std::string>& arguments,
                   std::map<std::string, std::string> environment = {}) {
    return RunClient(arguments, {.environment = std::move(environment), .home = home_.path()});
  }
  TempFolder home_;
};

/// Says in its version which server answered, and with which token it was asked.
Script Named(const std::string& name, std::string* token = nullptr) {
  Script script;
  script.info.set_version(name);
  script.list_models = [token](const grpc::ServerContext& context, const auto&, auto&) {
    const auto found = context.client_metadata().find("authorization");
    if (token != nullptr && found != context.client_metadata().end()) {
      token->assign(found->second.data(), found->second.size());
    }
    return grpc::Status::OK;
  };
  return script;
}

TEST_F(ConfigTest, TheFirstContextIsInUseAndUseChangesIt) {
  EXPECT_EQ(Run({"config", "set", "lab", "--server", "gpu1:8500"}).exit_code, 0);
  EXPECT_EQ(Run({"config", "set", "home", "--server", "127.0.0.1:1", "--ca-file", "/ca.pem"}).exit_code, 0);
  auto json = nlohmann::json::parse(Run({"config", "show", "-o", "json"}).out);
  EXPECT_EQ(json["current"], "lab");
  EXPECT_EQ(json["contexts"][0]["ca_file"], "/ca.pem");
  EXPECT_EQ(Run({"config", "use", "home"}).exit_code, 0);
  json = nlohmann::json::parse(Run({"config", "show", "-o", "json"}).out);
  EXPECT_EQ(json["current"], "home");
  EXPECT_THAT(Run({"config", "show"}).out, HasSubstr("*       home     127.0.0.1:1  -           /ca.pem"));
}

TEST_F(ConfigTest, AContextKeepsAClientsCertificate) {
  EXPECT_EQ(Run({"config", "set", "lab", "--server", "gpu1:8500", "--ca-file", "/ca.pem", "--cert-file",
                 "/me.pem", "--key-file", "/me.key"})
                .exit_code,
            0);
  const auto json = nlohmann::json::parse(Run({"config", "show", "-o", "json"}).out);
  EXPECT_EQ(json["contexts"][0]["cert_file"], "/me.pem");
  EXPECT_EQ(json["contexts"][0]["key_file"], "/me.key");
}

TEST_F(ConfigTest, UnknownContextsAreNotFoundAndNamed) {
  EXPECT_EQ(Run({"config", "use", "nowhere"}).exit_code, 3);
  Run({"config", "set", "lab", "--server", "gpu1:8500"});
  const ClientResult result = Run({"list-jobs", "--context", "labb"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("there are: lab"));
}

TEST_F(ConfigTest, AContextNeedsAServer) {
  const ClientResult result = Run({"config", "set", "lab"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--server HOST:PORT"));
}

TEST_F(ConfigTest, AUsageErrorPointsToTheHelpOfTheWordThatIsWrong) {
  EXPECT_THAT(Run({"config", "set"}).err, HasSubstr("see:  mae_client config set --help\n"));
  EXPECT_THAT(Run({"config", "set", "lab"}).err, HasSubstr("see:  mae_client config set --help\n"));
  EXPECT_THAT(Run({"config"}).err, HasSubstr("see:  mae_client config --help\n"));
  EXPECT_EQ(Run({"config", "set", "--help"}).exit_code, 0);
}

TEST_F(ConfigTest, FlagThenEnvironmentThenContextThenDefault) {
  FakeServer flag(Named("of-flag")), environment(Named("of-environment")), context(Named("of-context"));
  EXPECT_THAT(Run({"server-info", "--timeout", "5"}).err, testing::AnyOf("", HasSubstr("127.0.0.1:8500")));
  Run({"config", "set", "c", "--server", context.address()});
  EXPECT_THAT(Run({"server-info"}).out, HasSubstr("of-context"));
  EXPECT_THAT(Run({"server-info"}, {{"MAE_SERVER", environment.address()}}).out, HasSubstr("of-environment"));
  EXPECT_THAT(Run({"server-info", "--server", flag.address()}, {{"MAE_SERVER", environment.address()}}).out,
              HasSubstr("of-flag"));
}

TEST_F(ConfigTest, ATokenIsSentToItsOwnServerAlone) {
  std::ofstream(home_ / "token") << "secret\n";
  std::string mine, other;
  FakeServer own(Named("own", &mine)), foreign(Named("foreign", &other));
  Run({"config", "set", "c", "--server", own.address(), "--token-file", home_ / "token"});
  EXPECT_EQ(Run({"list-models"}).exit_code, 0);
  EXPECT_EQ(Run({"list-models", "--server", foreign.address()}).exit_code, 0);
  own.Stop();
  foreign.Stop();
  EXPECT_EQ(mine, "Bearer secret");
  EXPECT_EQ(other, "");
}

TEST_F(ConfigTest, ATokenNeverTravelsUnencryptedToAnotherMachine) {
  std::ofstream(home_ / "token") << "secret\n";
  const ClientResult result =
      Run({"list-models", "--server", "gpu1:8500"}, {{"MAE_TOKEN_FILE", home_ / "token"}});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("unencrypted"));
  EXPECT_THAT(result.err, HasSubstr("--ca-file"));
}

TEST_F(ConfigTest, AMistypedFileNamesItsKeyOrLine) {
  std::filesystem::create_directories(home_ / "config/mae");
  const std::string path = home_ / "config/mae/config.yaml";
  std::ofstream(path) << "contexts: {lab: {servr: x}}\n";
  ClientResult result = Run({"config", "show"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr(path + ": contexts.lab.servr is unknown"));
  std::ofstream(path) << "contexts: [\n";
  result = Run({"config", "show"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("line"));
}

}  // namespace
}  // namespace mae
