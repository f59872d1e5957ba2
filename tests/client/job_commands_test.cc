#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/client/client_process.h"
#include "tests/client/fake_server.h"

namespace mae {
namespace {

using testing::HasSubstr;

v1::Job RunningJob(const std::string& name) {
  v1::Job job;
  job.set_name(name);
  job.set_state(v1::Job::RUNNING);
  job.set_recipe("fashion-mnist-pretrain");
  job.mutable_spec()->mutable_pretrain();
  job.mutable_spec()->mutable_data()->set_dataset("fashion-mnist");
  job.mutable_create_time()->set_seconds(absl::ToUnixSeconds(absl::Now() - absl::Minutes(3)));
  job.mutable_progress()->set_step(47);
  job.mutable_progress()->set_total_steps(100);
  job.mutable_progress()->set_epochs(5);
  (*job.mutable_progress()->mutable_metrics())["loss"] = 0.25;
  return job;
}

TEST(ListJobs, IsATableWithRelativeTimes) {
  Script script;
  script.list_jobs = [](const auto&, const auto&, v1::ListJobsResponse& response) {
    *response.add_jobs() = RunningJob("jobs/pretrain-1");
    response.add_jobs()->set_name("jobs/short");
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const ClientResult result = RunClient({"list-jobs"}, {.server = server.address()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, testing::StartsWith("JOB         STATE "));
  EXPECT_THAT(result.out,
              HasSubstr("pretrain-1  RUNNING            pretrain  fashion-mnist-pretrain  fashion-mnist  "
                        "47 %  0.25  3 min ago  -\n"));
}

TEST(ListJobs, ReadsAllPagesAndFiltersByState) {
  std::vector<v1::ListJobsRequest> seen;
  Script script;
  script.list_jobs = [&seen](const auto&, const v1::ListJobsRequest& request,
                             v1::ListJobsResponse& response) {
    seen.push_back(request);
    response.add_jobs()->set_name(absl::StrCat("jobs/j", seen.size()));
    if (seen.size() < 3) response.set_next_page_token(absl::StrCat("after-", seen.size()));
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const ClientResult result = RunClient(
      {"list-jobs", "-o", "json", "--state", "running", "--state", "QUEUED"}, {.server = server.address()});
  server.Stop();
  const auto json = nlohmann::json::parse(result.out);
  ASSERT_EQ(json["jobs"].size(), 3u);
  EXPECT_EQ(json["jobs"][2]["name"], "jobs/j3");
  EXPECT_EQ(seen[0].states_size(), 2);
  EXPECT_EQ(seen[2].page_token(), "after-2");
}

TEST(ListJobs, StopsAtTheLimitAndSaysSo) {
  Script script;
  script.list_jobs = [](const auto&, const v1::ListJobsRequest& request, v1::ListJobsResponse& response) {
    for (int i = 0; i < request.page_size(); ++i) response.add_jobs()->set_name("jobs/j");
    response.set_next_page_token("more");
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const ClientResult result =
      RunClient({"list-jobs", "--limit", "2", "-o", "json"}, {.server = server.address()});
  EXPECT_EQ(nlohmann::json::parse(result.out)["jobs"].size(), 2u);
  EXPECT_THAT(result.err, HasSubstr("--limit 0"));
}

TEST(ListJobs, AnUnknownStateIsAUsageErrorThatNamesTheStates) {
  const ClientResult result = RunClient({"list-jobs", "--state", "asleep"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("use queued, starting, running"));
}

TEST(GetJob, ShowsWhyItWaitsAndTakesShortAndLongNames) {
  std::vector<std::string> names;
  Script script;
  script.get_job = [&names](const auto&, const v1::GetJobRequest& request, v1::Job& job) {
    names.push_back(request.name());
    job = RunningJob(request.name());
    job.set_state(v1::Job::QUEUED);
    job.set_pending_reason("all 1 slots are taken");
    v1::AliasMove& move = *job.add_alias_moves();
    move.set_alias("prod");
    move.set_moved(true);
    move.set_reason("accuracy 0.75 beats 0.5 of version 3");

    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const ClientResult result = RunClient({"get-job", "p"}, {.server = server.address()});
  RunClient({"get-job", "jobs/p"}, {.server = server.address()});
  server.Stop();
  EXPECT_THAT(names, testing::ElementsAre("jobs/p", "jobs/p"));
  EXPECT_THAT(result.out, HasSubstr("state     QUEUED\n"));
  EXPECT_THAT(result.out, HasSubstr("pending   all 1 slots are taken\n"));
  EXPECT_THAT(result.out, HasSubstr("aliases   prod moved: accuracy 0.75 beats 0.5 of version 3\n"));
  EXPECT_THAT(result.out, HasSubstr("progress  47 %  step 47/100"));
}

TEST(GetJob, YamlAndJsonHaveTheSameFields) {
  Script script;
  script.get_job = [](const auto&, const auto& request, v1::Job& job) {
    job = RunningJob(request.name());
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const std::string json = RunClient({"get-job", "p", "-o", "json"}, {.server = server.address()}).out;
  EXPECT_EQ(nlohmann::json::parse(json)["spec"]["data"]["dataset"], "fashion-mnist");
  EXPECT_EQ(nlohmann::json::parse(json)["progress"]["total_steps"], "100");
  const std::string yaml = RunClient({"-o", "yaml", "get-job", "p"}, {.server = server.address()}).out;
  EXPECT_THAT(yaml, HasSubstr("name: jobs/p\n"));
  EXPECT_THAT(yaml, HasSubstr("total_steps: \"100\"\n"));
}

TEST(GetJob, RefusalsHaveTheirExitCodes) {
  std::atomic<grpc::StatusCode> code = grpc::StatusCode::OK;
  Script script;
  script.get_job = [&code](const auto&, const auto&, auto&) { return grpc::Status(code, "because"); };
  FakeServer server(std::move(script));
  const std::vector<std::pair<grpc::StatusCode, int>> expected = {{grpc::StatusCode::NOT_FOUND, 3},
                                                                  {grpc::StatusCode::FAILED_PRECONDITION, 1},
                                                                  {grpc::StatusCode::UNAUTHENTICATED, 5},
                                                                  {grpc::StatusCode::UNAVAILABLE, 4}};
  for (const auto& [status, exit_code] : expected) {
    code = status;
    const ClientResult result = RunClient({"get-job", "p"}, {.server = server.address()});
    EXPECT_EQ(result.exit_code, exit_code);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("because"));
  }
}

TEST(GetJob, ATooSlowServerIsExit4) {
  Script script;
  script.get_job = [](const grpc::ServerContext& context, const auto&, auto&) {
    while (!context.IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
    return grpc::Status::CANCELLED;
  };
  FakeServer server(std::move(script));
  const ClientResult result = RunClient({"get-job", "p", "--timeout", "0.2"}, {.server = server.address()});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_THAT(result.err, HasSubstr("did not answer within 200ms"));
}

TEST(StopJob, LeavesACheckpointUnlessNow) {
  std::vector<bool> immediate;
  Script script;
  script.stop_job = [&immediate](const auto&, const v1::StopJobRequest& request, v1::Job& job) {
    immediate.push_back(request.immediate());
    job = RunningJob(request.name());
    job.set_state(v1::Job::STOPPING);
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  EXPECT_THAT(RunClient({"stop-job", "p"}, {.server = server.address()}).out, HasSubstr("STOPPING"));
  RunClient({"stop-job", "p", "--now"}, {.server = server.address()});
  server.Stop();
  EXPECT_THAT(immediate, testing::ElementsAre(false, true));
}

TEST(ResumeJob, PrintsTheJob) {
  Script script;
  script.resume_job = [](const auto&, const auto& request, v1::Job& job) {
    job = RunningJob(request.name());
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  EXPECT_THAT(RunClient({"resume-job", "p"}, {.server = server.address()}).out, HasSubstr("jobs/p"));
}

TEST(ResumeJob, OtherResourcesAreThoseOfTheJobWithWhatIsSet) {
  Script script;
  script.get_job = [](const auto&, const auto& request, v1::Job& job) {
    job = RunningJob(request.name());
    job.mutable_spec()->mutable_resources()->set_threads(3);
    job.mutable_spec()->mutable_resources()->set_processes(1);
    return grpc::Status::OK;
  };
  v1::ResumeJobRequest seen;
  script.resume_job = [&](const auto&, const auto& request, v1::Job& job) {
    seen = request;
    job = RunningJob(request.name());
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const ClientResult result =
      RunClient({"resume-job", "p", "--set", "resources.processes=2", "--set", "resources.device=cuda"},
                {.server = server.address()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(seen.resources().processes(), 2);
  EXPECT_EQ(seen.resources().device(), "cuda");
  EXPECT_EQ(seen.resources().threads(), 3);
  seen.Clear();
  for (const char* set : {"schedule.epochs=9", "resources.proceses=2", "resourcesx=1", "resources="}) {
    const ClientResult refused = RunClient({"resume-job", "p", "--set", set}, {.server = server.address()});
    EXPECT_EQ(refused.exit_code, 2) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr(set));
    EXPECT_EQ(seen.name(), "") << "was sent";
  }
}

TEST(ResumeJob, WatchFollowsItFromWhereItWasQueuedAgain) {
  Script script;
  script.resume_job = [](const auto&, const auto& request, v1::Job& job) {
    job = RunningJob(request.name());
    job.set_state(v1::Job::QUEUED);
    job.set_last_sequence(8);
    return grpc::Status::OK;
  };
  script.watch_job = [](auto&, const v1::WatchJobRequest& request, const auto& send) {
    EXPECT_EQ(request.name(), "jobs/p");
    EXPECT_EQ(request.after_sequence(), 7) << "what came before is of the run that failed";
    v1::JobEvent event;
    event.set_sequence(8);
    event.mutable_state()->set_state(v1::Job::QUEUED);
    send(event);
    event.set_sequence(9);
    event.mutable_state()->set_state(v1::Job::SUCCEEDED);
    event.mutable_state()->set_published_version("models/m/versions/1");
    v1::AliasMove& move = *event.mutable_state()->add_alias_moves();
    move.set_alias("prod");
    move.set_reason("accuracy 0.5 does not beat 0.75 of version 3");
    send(event);
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const ClientResult result = RunClient({"resume-job", "p", "--watch"}, {.server = server.address()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "jobs/p\n");
  EXPECT_THAT(result.err, HasSubstr("QUEUED"));
  EXPECT_THAT(result.err, HasSubstr("published models/m/versions/1"));
  EXPECT_THAT(result.err, HasSubstr("prod stays: accuracy 0.5 does not beat 0.75 of version 3"));
}

TEST(ResumeJob, WatchEndsWithTheJobsFailure) {
  Script script;
  script.resume_job = [](const auto&, const auto& request, v1::Job& job) {
    job = RunningJob(request.name());
    return grpc::Status::OK;
  };
  script.watch_job = [](auto&, const v1::WatchJobRequest& request, const auto& send) {
    EXPECT_EQ(request.after_sequence(), 0);
    v1::JobEvent event;
    event.set_sequence(1);
    event.mutable_state()->set_state(v1::Job::FAILED);
    event.mutable_state()->mutable_error()->set_message("the disk is full");
    send(event);
    return grpc::Status::OK;
  };
  FakeServer server(std::move(script));
  const ClientResult result = RunClient({"resume-job", "p", "--watch"}, {.server = server.address()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("jobs/p FAILED: the disk is full"));
}

TEST(DeleteJob, PrintsNothingOnStdout) {
  Script script;
  script.delete_job = [](const auto&, const auto&, auto&) { return grpc::Status::OK; };
  FakeServer server(std::move(script));
  const ClientResult result = RunClient({"delete-job", "p"}, {.server = server.address()});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, "deleted jobs/p\n");
}

}  // namespace
}  // namespace mae
