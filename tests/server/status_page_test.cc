#include "server/status_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "mae/v1/model.grpc.pb.h"
#include "tests/fakes/random_model.h"
#include "tests/fakes/status_matchers.h"
#include "tests/server/server_fixture.h"

namespace mae {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class StatusPageTest : public ServerTest {
 protected:
  nlohmann::json Ask(const std::string& path) {
    int code = 0;
    const std::string body = HttpGet(path, &code);
    EXPECT_EQ(code, 200) << path;
    auto json = nlohmann::json::parse(body, nullptr, false);
    EXPECT_FALSE(json.is_discarded()) << body;
    return json;
  }
  int CodeOf(const std::string& path) {
    int code = 0;
    HttpGet(path, &code);
    return code;
  }
};

TEST_F(StatusPageTest, JobsAreShownAsTheyTrain) {
  StartServer();
  EXPECT_THAT(Ask("/api/jobs")["jobs"], IsEmpty());
  const std::string name = MustCreate("clothes").name();
  const int64_t running = WaitUntilRunning(name);
  for (const char* command : {"metrics 10 0.5", "metrics 20 0.25", "picture 1", "checkpoint 20"})
    Tell(name, command);
  Watch(name, running, [](const auto& event) { return event.has_checkpoint(); });
  const std::string id = name.substr(5);
  const auto jobs = Ask("/api/jobs");
  EXPECT_EQ(jobs["all"], 1);
  const auto& job = jobs["jobs"][0];
  EXPECT_EQ(job["job"], id);
  EXPECT_EQ(job["state"], "RUNNING");
  EXPECT_EQ(job["model"], "clothes");
  EXPECT_EQ(job["step"], 20);
  EXPECT_EQ(job["total_steps"], 100);
  EXPECT_EQ(job["metrics"]["loss"], 0.25);
  const auto curves = Ask(absl::StrCat("/api/jobs/", id, "/curves"));
  EXPECT_EQ(curves["series"]["loss"], nlohmann::json::parse("[[10, 0.5], [20, 0.25]]"));
  EXPECT_EQ(curves["picture"], "epoch-1");
  EXPECT_NEAR(curves["picture_time"].get<double>(), absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()),
              600);
  EXPECT_EQ(HttpGet(absl::StrCat("/api/jobs/", id, "/picture")), "png 1");
}

TEST_F(StatusPageTest, OfManyJobsTheNewestAreShownAndOfLongCurvesSomePoints) {
  StartServer();
  const std::string first = MustCreate().name();
  const int64_t running = WaitUntilRunning(first);
  for (int step = 1; step <= 400; ++step) Tell(first, absl::StrCat("metrics ", step, " 0.5"));
  Watch(first, running, [](const auto& event) { return event.metrics().step() == 400; });
  const auto curve = Ask(absl::StrCat("/api/", first, "/curves"))["series"]["loss"];
  EXPECT_EQ(curve.size(), 300u);
  EXPECT_EQ(curve.front()[0], 1);
  EXPECT_EQ(curve.back()[0], 400);
  for (int i = 0; i < 50; ++i) MustCreate();
  const auto jobs = Ask("/api/jobs");
  EXPECT_EQ(jobs["all"], 51);
  EXPECT_EQ(jobs["jobs"].size(), 50u);
  EXPECT_THAT(jobs.dump(), Not(HasSubstr(first.substr(5)))) << "the oldest is left out";
}

TEST_F(StatusPageTest, ModelsAreShownWithTheirAliasesAndWhatIsInMemory) {
  for (const char* place : {"clothes/1", "clothes/2", "shoes/1"})
    WriteRandomModel(Config().data_dir / "models" / place, TinyAutoencoder());
  StartServer();
  v1::LoadModelRequest load;
  load.set_name("models/clothes/versions/1");
  v1::ModelVersion loaded;
  grpc::ClientContext context;
  ASSERT_TRUE(v1::ModelService::NewStub(channel_)->LoadModel(&context, load, &loaded).ok());
  const auto models = Ask("/api/models");
  EXPECT_EQ(models["all"], 2);
  const auto& model = models["models"][0];
  EXPECT_EQ(model["model"], "clothes");
  EXPECT_EQ(model["kind"], "masked_autoencoder");
  EXPECT_EQ(model["aliases"], nlohmann::json::parse("{\"latest\": 2}"));
  EXPECT_EQ(model["loaded"], nlohmann::json::parse("[1]"));
  EXPECT_EQ(models["models"][1]["loaded"], nlohmann::json::parse("[]"));
}

TEST_F(StatusPageTest, AFailedJobSaysWhyAndHasNoTimeLeft) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  Tell(name, "fail the <b>disk</b> is full");
  WaitForEnd(name);
  const auto job = Ask("/api/jobs")["jobs"][0];
  EXPECT_EQ(job["state"], "FAILED");
  EXPECT_EQ(job["error"], "the <b>disk</b> is full");
  EXPECT_EQ(Ask(absl::StrCat("/api/", name, "/curves"))["picture"], "");
  EXPECT_EQ(CodeOf(absl::StrCat("/api/", name, "/picture")), 404);
  EXPECT_EQ(CodeOf("/api/jobs/none/curves"), 404);
}

TEST_F(StatusPageTest, ThePageLoadsNothingFromElsewhere) {
  StartServer();
  const std::string page = HttpGet("/");
  EXPECT_EQ(page, StatusPageHtml());
  for (const char* word : {"https:", "<link", "src=\"", "@import", "innerHTML"})
    EXPECT_THAT(page, Not(HasSubstr(word)));
}

TEST_F(StatusPageTest, ASettingTurnsItOff) {
  StartServer({"metrics.page=false"});
  for (const char* path : {"/", "/api/jobs", "/api/models"}) EXPECT_EQ(CodeOf(path), 404) << path;
  EXPECT_EQ(CodeOf("/metrics"), 200);
}

}  // namespace
}  // namespace mae
