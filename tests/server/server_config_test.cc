#include "server/server_config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "server/server_settings.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ServerConfigTest : public testing::Test {
 protected:
  absl::StatusOr<ServerConfig> LoadYaml(const std::string& yaml,
                                        const std::vector<std::string>& overrides = {}) {
    std::ofstream(file_) << yaml;
    return LoadServerConfig(file_, overrides);
  }

  const TempFolder temp_;
  const std::filesystem::path file_ = temp_ / "server.yaml";
};

TEST_F(ServerConfigTest, TheDefaultsAreThoseOfTheFile) {
  const auto config = LoadServerConfig("", {});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->listen, "127.0.0.1:8500");
  EXPECT_EQ(config->metrics_listen, "127.0.0.1:9500");
  EXPECT_EQ(config->jobs.slots, 1);
  EXPECT_EQ(config->jobs.on_shutdown, "keep");
  EXPECT_EQ(config->rpc.max_message_mib, 64);
  EXPECT_EQ(config->datasets.at("fashion-mnist"), "/usr/share/datasets/fashion-mnist");
  EXPECT_EQ(config->jobs.trainer.filename(), "mae_trainer") << "beside this program";
}

TEST_F(ServerConfigTest, TheDefaultFileSetsEveryKey) {
  const std::string yaml = DefaultServerConfigYaml();
  for (const std::string& key : ServerSettingKeys()) {
    EXPECT_THAT(yaml, HasSubstr(absl::StrCat(key.substr(key.rfind('.') + 1), ":"))) << key;
  }
}

TEST_F(ServerConfigTest, AFileOverridesDefaultsAndSettingsOverrideTheFile) {
  const auto config = LoadYaml("jobs:\n  slots: 2\n  max_queued: 7\ndatasets:\n  mine: /data/mine\n",
                               {"jobs.slots=3", "listen=0.0.0.0:1"});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->jobs.slots, 3);
  EXPECT_EQ(config->jobs.max_queued, 7);
  EXPECT_EQ(config->listen, "0.0.0.0:1");
  EXPECT_EQ(config->datasets.at("mine"), "/data/mine");
  EXPECT_EQ(config->datasets.count("fashion-mnist"), 1u) << "a file adds to the datasets";
}

TEST_F(ServerConfigTest, CertificatesAreNamesWithRoles) {
  const auto config =
      LoadYaml("auth:\n  certificates:\n    gate.example.com: inference\n    spiffe://home/app: viewer\n",
               {"auth.certificates.ann=admin"});
  ASSERT_THAT(config, IsOk());
  const std::map<std::string, Role> expected = {
      {"gate.example.com", Role::kInference}, {"spiffe://home/app", Role::kViewer}, {"ann", Role::kAdmin}};
  EXPECT_EQ(config->auth.certificates, expected);
}

TEST_F(ServerConfigTest, PreferredBatchesMayBeAList) {
  const std::vector<int64_t> wanted = {4, 16};
  for (const char* written : {"[4, 16]", "\"4,16\"", "\n  - 16\n  - 4"}) {
    const auto config = LoadYaml(absl::StrCat("inference:\n  preferred_batches: ", written, "\n"));
    ASSERT_THAT(config, IsOk()) << written;
    EXPECT_EQ(config->inference.preferred_batches, wanted);
  }
  for (const char* assigned : {"[4,16]", "4,16", "[ 4, 16 ]"}) {
    const auto config = LoadServerConfig("", {absl::StrCat("inference.preferred_batches=", assigned)});
    ASSERT_THAT(config, IsOk()) << assigned;
    EXPECT_EQ(config->inference.preferred_batches, wanted);
  }
  EXPECT_EQ(LoadYaml("inference:\n  preferred_batches: []\n")->inference.preferred_batches.size(), 0u);
  for (const char* nested : {"[4, [16]]", "[4, {a: 16}]", "[4, ~]"}) {
    EXPECT_THAT(LoadYaml(absl::StrCat("inference:\n  preferred_batches: ", nested, "\n")),
                StatusIs(StatusCode::kInvalidArgument,
                         HasSubstr("line 2: inference.preferred_batches takes a list of single values")))
        << nested;
  }
  EXPECT_THAT(LoadServerConfig("", {"inference.preferred_batches=[4,16"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("lacks the ]")));
  EXPECT_THAT(
      LoadYaml("inference:\n  max_batch: [4]\n"),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("inference.max_batch takes one value, not a list")));
}

TEST_F(ServerConfigTest, AnEmptyPathTakesADatasetAway) {
  EXPECT_EQ(LoadServerConfig("", {"datasets.fashion-mnist="})->datasets.count("fashion-mnist"), 0u);
}

TEST_F(ServerConfigTest, AnUnknownKeyComesWithFileLineAndTheNearest) {
  EXPECT_THAT(LoadYaml("# comment\njobs:\n  slot: 2\n"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(file_.string()), HasSubstr("line 3"), HasSubstr("'jobs.slots'"))));
  EXPECT_THAT(LoadServerConfig("", {"rpc.thread=2"}),
              StatusIs(StatusCode::kInvalidArgument, AllOf(HasSubstr("--set"), HasSubstr("'rpc.threads'"))));
}

TEST_F(ServerConfigTest, ASectionWithoutSettingsIsNotCalledUnknown) {
  EXPECT_THAT(
      LoadYaml("auth:\nlisten: 127.0.0.1:0\n"),
      StatusIs(StatusCode::kInvalidArgument, AllOf(HasSubstr("line 1: auth: "), HasSubstr("none below it"),
                                                   HasSubstr("as auth."), Not(HasSubstr("unknown")))));
  EXPECT_THAT(LoadYaml("datasets:\n"), StatusIs(StatusCode::kInvalidArgument, HasSubstr("datasets.NAME")));
  EXPECT_THAT(LoadServerConfig("", {"auth=tokens.yaml"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("--set auth: is no setting")));
}

TEST_F(ServerConfigTest, TokensThatAreNamedByNothingAreRefused) {
  EXPECT_THAT(LoadServerConfig("", {"auth.tokens="}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("--set auth.tokens: is empty")));
  EXPECT_THAT(LoadYaml("auth:\n  tokens:\n"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("line 2: auth.tokens: is empty")));
  EXPECT_THAT(LoadYaml(DefaultServerConfigYaml()), IsOk()) << "a copy of the defaults";
}

TEST_F(ServerConfigTest, AValueOutOfItsLimitsIsRefusedWithThem) {
  const auto refused = [](const std::string& words) {
    return StatusIs(StatusCode::kInvalidArgument, HasSubstr(words));
  };
  EXPECT_THAT(LoadServerConfig("", {"jobs.slots=0"}),
              refused("jobs.slots: is '0'; give a whole number from 1 to 64"));
  EXPECT_THAT(LoadServerConfig("", {"jobs.slots=two"}), refused("'two'"));
  EXPECT_THAT(LoadServerConfig("", {"jobs.on_shutdown=kill"}), refused("one of keep, stop"));
  EXPECT_THAT(LoadServerConfig("", {"listen=8500"}), refused("HOST:PORT"));
  EXPECT_THAT(LoadServerConfig("", {"listen=localhost:70000"}), refused("65535"));
  EXPECT_THAT(LoadServerConfig("", {"jobs.slots"}), refused("KEY=VALUE"));
  EXPECT_THAT(LoadServerConfig("", {"auth.certificates.a.b=root"}),
              refused("auth.certificates.a.b: is 'root'"));
}

TEST_F(ServerConfigTest, AWrongOptionIsNamedAsItWasGiven) {
  CommandLineSettings settings;
  settings.metrics_listen = "9500";
  EXPECT_THAT(
      LoadServerConfig("", settings.Overrides()),
      StatusIs(StatusCode::kInvalidArgument, testing::StartsWith("--metrics-listen: is '9500'; give")));
}

TEST_F(ServerConfigTest, WhatIsNoMapOfSettingsIsRefused) {
  const auto refused = [](const std::string& words) {
    return StatusIs(StatusCode::kInvalidArgument, HasSubstr(words));
  };
  EXPECT_THAT(LoadYaml("- a\n- b\n"), refused("line 1"));
  EXPECT_THAT(LoadYaml("jobs:\n  slots: [1, 2]\n"), refused("not a list"));
  EXPECT_THAT(LoadYaml("listen: a:1\nlisten: b:2\n"), refused("twice"));
  EXPECT_THAT(LoadYaml("jobs: {slots\n"), refused(file_.string()));
  EXPECT_THAT(LoadYaml(""), IsOk()) << "an empty file changes nothing";
}

TEST_F(ServerConfigTest, AMissingFileIsNotFound) {
  EXPECT_THAT(LoadServerConfig(temp_ / "none.yaml", {}),
              StatusIs(StatusCode::kNotFound, HasSubstr("none.yaml")));
}

TEST_F(ServerConfigTest, TheDataFolderFollowsTheEnvironmentUnlessItIsSet) {
  setenv("XDG_DATA_HOME", "/xdg", 1);
  EXPECT_EQ(LoadServerConfig("", {})->data_dir, "/xdg/mae");
  EXPECT_EQ(LoadServerConfig("", {"data_dir=/mine"})->data_dir, "/mine");
  unsetenv("XDG_DATA_HOME");
  setenv("HOME", "/home/someone", 1);
  EXPECT_EQ(LoadServerConfig("", {})->data_dir, "/home/someone/.local/share/mae");
}

TEST_F(ServerConfigTest, NamedOptionsWinOverSet) {
  CommandLineSettings settings;
  settings.assignments = {"listen=a:1", "jobs.slots=2"};
  settings.listen = "b:2";
  const auto config = LoadServerConfig("", settings.Overrides());
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->listen, "b:2");
  EXPECT_EQ(config->jobs.slots, 2);
}

TEST(FillThreads, FitsTheMachineAndKeepsWhatIsSet) {
  const auto filled = [](int64_t cores, int64_t compute, int64_t forward) {
    ServerConfig::Inference inference;
    inference.compute_threads = compute;
    inference.forward_threads = forward;
    FillThreads(cores, inference);
    return std::pair(inference.compute_threads, inference.forward_threads);
  };
  EXPECT_EQ(filled(1, 0, 0), std::pair(int64_t{1}, int64_t{1}));
  EXPECT_EQ(filled(2, 0, 0), std::pair(int64_t{1}, int64_t{2}));
  EXPECT_EQ(filled(16, 0, 0), std::pair(int64_t{4}, int64_t{4}));
  EXPECT_EQ(filled(2, 2, 0), std::pair(int64_t{2}, int64_t{1}));
  EXPECT_EQ(filled(2, 8, 3), std::pair(int64_t{8}, int64_t{3}));
}

}  // namespace
}  // namespace mae
