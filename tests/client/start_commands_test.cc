#include "client/start_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "client/fresh_uuid.h"
#include "tests/client/client_process.h"
#include "tests/client/fake_server.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

constexpr char kUuid[] = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";

/// Answers with jobs/new and keeps the request.
Script Creating(v1::CreateJobRequest& seen) {
  Script script;
  script.create_job = [&seen](const auto&, const v1::CreateJobRequest& request, v1::Job& job) {
    seen = request;
    *job.mutable_spec() = request.spec();
    if (!request.validate_only()) job.set_name("jobs/new");
    return grpc::Status::OK;
  };
  return script;
}

TEST(SpecFrom, FlagsAndOverridesStandAboveTheRecipe) {
  StartOptions options;
  options.recipe = "fashion-mnist-finetune";
  options.dataset = "mnist";
  options.model = "digits";
  options.from = "mae@best";
  options.overrides = {"schedule.epochs=7", "data.dataset=cifar10"};
  const auto spec = SpecFrom(v1::JobSpec::kFinetune, options);
  ASSERT_THAT(spec, IsOk());
  EXPECT_EQ(spec->data().dataset(), "cifar10");
  EXPECT_EQ(spec->publish().model(), "digits");
  EXPECT_EQ(spec->finetune().from_model(), "mae@best");
  EXPECT_EQ(spec->schedule().epochs(), 7);
}

TEST(SpecFrom, IsTheVerbsKindWithoutARecipe) {
  const auto spec = SpecFrom(v1::JobSpec::kPretrain, StartOptions());
  ASSERT_THAT(spec, IsOk());
  EXPECT_TRUE(spec->has_pretrain());
}

TEST(SpecFrom, EachKindIsItsVerbsAndTakesTheModelItStartsFrom) {
  StartOptions options;
  options.from = "mae@best";
  const auto spec_of = [&](v1::JobSpec::KindCase kind) { return SpecFrom(kind, options).value(); };
  EXPECT_EQ(spec_of(v1::JobSpec::kLinearProbe).linear_probe().from_model(), "mae@best");
  EXPECT_EQ(spec_of(v1::JobSpec::kKnnProbe).knn_probe().from_model(), "mae@best");
  EXPECT_EQ(spec_of(v1::JobSpec::kEvaluate).evaluate().from_model(), "mae@best");
}

TEST(SpecFrom, AnOverrideAtFaultIsNamed) {
  StartOptions options;
  options.overrides = {"schedule.epoch=7"};
  EXPECT_THAT(SpecFrom(v1::JobSpec::kPretrain, options),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--set schedule.epoch=7: ")));
}

TEST(FreshUuid, IsRandomVersion4) {
  EXPECT_THAT(FreshUuid(), MatchesRegex(kUuid));
  EXPECT_NE(FreshUuid(), FreshUuid());
}

TEST(StartPretrain, PrintsTheNameAloneAndHintsOnStderr) {
  v1::CreateJobRequest seen;
  FakeServer server(Creating(seen));
  const ClientResult result = RunClient({"start-pretrain", "--recipe", "fashion-mnist-pretrain", "--model",
                                         "m", "--set", "seed=5", "--set", "schedule.epochs=3"},
                                        {.server = server.address()});
  server.Stop();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "jobs/new\n");
  EXPECT_THAT(result.err, HasSubstr("mae_client watch jobs/new"));
  EXPECT_THAT(result.err, HasSubstr("mae_client stop-job jobs/new"));
  EXPECT_EQ(seen.recipe(), "fashion-mnist-pretrain");
  EXPECT_EQ(seen.spec().seed(), 5u);
  EXPECT_EQ(seen.spec().schedule().epochs(), 3);
  EXPECT_THAT(seen.request_id(), MatchesRegex(kUuid));
}

TEST(StartPretrain, HintsNameTheServerThatWasNamed) {
  v1::CreateJobRequest seen;
  FakeServer server(Creating(seen));
  const ClientResult result = RunClient({"start-pretrain", "--server", server.address()});
  EXPECT_THAT(result.err, HasSubstr("mae_client --server " + server.address() + " watch jobs/new"));
}

TEST(StartPretrain, QuietLeavesStderrEmpty) {
  v1::CreateJobRequest seen;
  FakeServer server(Creating(seen));
  const ClientResult result = RunClient({"--quiet", "start-pretrain"}, {.server = server.address()});
  EXPECT_EQ(result.out, "jobs/new\n");
  EXPECT_EQ(result.err, "");
}

TEST(StartPretrain, DryRunPrintsTheResolvedSpecAsARecipe) {
  v1::CreateJobRequest seen;
  FakeServer server(Creating(seen));
  const ClientResult result =
      RunClient({"start-pretrain", "--dry-run", "--dataset", "mnist", "--request-id", "abc"},
                {.server = server.address()});
  server.Stop();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(YAML::Load(result.out)["data"]["dataset"].as<std::string>(), "mnist");
  EXPECT_TRUE(seen.validate_only());
  EXPECT_EQ(seen.request_id(), "abc");
}

TEST(StartPretrain, JsonIsTheWholeJob) {
  v1::CreateJobRequest seen;
  FakeServer server(Creating(seen));
  const ClientResult result = RunClient({"start-pretrain", "-o", "json"}, {.server = server.address()});
  EXPECT_EQ(nlohmann::json::parse(result.out)["name"], "jobs/new");
}

TEST(StartPretrain, AFinetuneRecipeNamesItsVerb) {
  const ClientResult result = RunClient({"start-pretrain", "--recipe", "fashion-mnist-finetune"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("mae_client start-finetune"));
}

TEST(StartFinetune, APretrainRecipeNamesItsVerb) {
  const ClientResult result = RunClient({"start-finetune", "--recipe", "fashion-mnist-pretrain"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("mae_client start-pretrain"));
}

TEST(Start, ARecipeOfAProbeNamesItsVerb) {
  const ClientResult result = RunClient({"start-evaluate", "--recipe", "fashion-mnist-knn-probe"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("mae_client start-knn-probe"));
}

TEST(Start, KindsThatMakeNoModelHaveNoModelOption) {
  EXPECT_THAT(RunClient({"start-linear-probe", "--help"}).out, HasSubstr("--model"));
  EXPECT_THAT(RunClient({"start-knn-probe", "--help"}).out, Not(HasSubstr("--model")));
  EXPECT_THAT(RunClient({"start-evaluate", "--help"}).out, Not(HasSubstr("--model")));
  EXPECT_THAT(RunClient({"start-evaluate", "--help"}).out, HasSubstr("--from"));
}

TEST(Start, UnknownRecipeNamesTheNearest) {
  const ClientResult result = RunClient({"start-pretrain", "--recipe", "fashion-mnist-pretrian"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("fashion-mnist-pretrain"));
}

TEST(Start, AMistypedKeyOfARecipeFileIsAUsageErrorThatNamesTheFile) {
  TempFolder folder;
  const std::string path = folder / "mine.yaml";
  std::ofstream(path) << "pretrain: {}\nschedule: {epoch: 5}\n";
  const ClientResult result = RunClient({"start-pretrain", "--recipe", path});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("mine.yaml"));
  EXPECT_THAT(result.err, HasSubstr("epochs"));
}

TEST(Start, AMissingRecipeFileIsNotFound) {
  EXPECT_EQ(RunClient({"start-pretrain", "--recipe", "/nowhere/x.yaml"}).exit_code, 3);
}

TEST(Start, FieldViolationsAreOneALine) {
  Script script;
  script.create_job = [](const auto&, const auto&, auto&) {
    return Violations({{"data.batch_size", "0 is outside 1 to 65536"}, {"data.dataset", "is missing"}});
  };
  FakeServer server(std::move(script));
  const ClientResult result = RunClient({"start-pretrain"}, {.server = server.address()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("data.batch_size: 0 is outside 1 to 65536\ndata.dataset: is missing\n"));
}

TEST(Start, IsSentAgainWithTheSameIdWhileTheServerIsUnavailable) {
  std::vector<std::string> ids;
  Script script;
  script.create_job = [&ids](const auto&, const v1::CreateJobRequest& request, v1::Job& job) {
    ids.push_back(request.request_id());
    if (ids.size() == 1) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "draining");
    job.set_name("jobs/new");
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const ClientResult result = RunClient({"start-pretrain"}, {.server = server.address()});
  server.Stop();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  ASSERT_EQ(ids.size(), 2u);
  EXPECT_EQ(ids[0], ids[1]);
}

TEST(Start, WithoutAServerSaysHowToSendItAgain) {
  const ClientResult result = RunClient({"start-pretrain", "--request-id", "abc"}, {.server = "127.0.0.1:1"});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_THAT(result.err, HasSubstr("--request-id abc"));
}

TEST(Start, WatchFollowsTheJobToItsEnd) {
  v1::CreateJobRequest seen;
  Script script = Creating(seen);
  script.watch_job = [](auto&, const v1::WatchJobRequest& request, const auto& send) {
    EXPECT_EQ(request.name(), "jobs/new");
    v1::JobEvent event;
    event.set_sequence(1);
    event.mutable_state()->set_state(v1::Job::SUCCEEDED);
    event.mutable_state()->set_published_version("models/m/versions/1");
    send(event);
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const ClientResult result = RunClient({"start-pretrain", "--watch"}, {.server = server.address()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "jobs/new\n");
  EXPECT_THAT(result.err, HasSubstr("published models/m/versions/1"));
}

}  // namespace
}  // namespace mae
