// The life of jobs in a whole server, over a socket, with a trainer that does what it is told.
#include "absl/strings/str_cat.h"
#include "mae/v1/dataset.grpc.pb.h"
#include "mae/v1/model.grpc.pb.h"
#include "tests/fakes/status_matchers.h"
#include "tests/server/grpc_host.h"
#include "tests/server/server_fixture.h"

namespace mae {
namespace {

using grpc::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using v1::Job;

class JobLifeTest : public ServerTest {
 protected:
  std::vector<std::string> Names(const v1::ListJobsRequest& request, std::string* next_page = nullptr) {
    grpc::ClientContext context;
    v1::ListJobsResponse response;
    EXPECT_TRUE(jobs_->ListJobs(&context, request, &response).ok());
    if (next_page != nullptr) *next_page = response.next_page_token();
    std::vector<std::string> names;
    for (const Job& job : response.jobs()) names.push_back(job.name());
    return names;
  }
};

TEST_F(JobLifeTest, AJobRunsAndItsModelIsPublishedBeforeItSucceeds) {
  StartServer();
  const Job made = MustCreate("clothes");
  EXPECT_THAT(made.name(), testing::MatchesRegex("jobs/pretrain-[0-9a-f]{8}"));
  EXPECT_EQ(made.recipe(), "tiny");
  EXPECT_EQ(made.spec().pretrain().model().image_height(), 28) << "the spec comes back resolved";
  WaitUntilRunning(made.name());
  EXPECT_EQ(Get(made.name()).state(), Job::RUNNING);
  Tell(made.name(), "metrics 10 0.5");
  Tell(made.name(), "checkpoint 10");
  Tell(made.name(), "succeed");
  const std::vector<v1::JobEvent> events = Watch(made.name());
  ASSERT_FALSE(events.empty());
  EXPECT_TRUE(IsState(events.back(), Job::SUCCEEDED));
  EXPECT_EQ(events.back().state().published_version(), "models/clothes/versions/1");
  const Job job = Get(made.name());
  EXPECT_EQ(job.state(), Job::SUCCEEDED);
  EXPECT_EQ(job.published_version(), "models/clothes/versions/1");
  EXPECT_EQ(job.progress().step(), 10);
  EXPECT_EQ(job.progress().metrics().at("loss"), 0.5);
  EXPECT_EQ(job.progress().checkpoint_step(), 10);
  EXPECT_EQ(job.last_sequence(), events.back().sequence());
  EXPECT_TRUE(job.has_start_time() && job.has_end_time());
  grpc::ClientContext context;
  v1::GetModelRequest request;
  request.set_name("models/clothes@latest");
  v1::Model model;
  EXPECT_TRUE(v1::ModelService::NewStub(channel_)->GetModel(&context, request, &model).ok());
}

TEST_F(JobLifeTest, AJobWithoutAModelNameSucceedsUnpublished) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  Tell(name, "succeed bare");
  const Job job = WaitForEnd(name);
  EXPECT_EQ(job.state(), Job::SUCCEEDED);
  EXPECT_EQ(job.published_version(), "");
}

TEST_F(JobLifeTest, AJobWhoseModelCannotBePublishedFailsAndPublishesOnResume) {
  StartServer();
  const std::string name = MustCreate("clothes").name();
  const int64_t running = WaitUntilRunning(name);
  Tell(name, "succeed bare");
  const Job failed = WaitForEnd(name);
  EXPECT_EQ(failed.state(), Job::FAILED);
  EXPECT_THAT(failed.error().message(), HasSubstr("publishing its model as 'clothes' failed"));
  EXPECT_THAT(failed.error().message(), HasSubstr("resume-job " + name));
  for (const v1::JobEvent& event : Watch(name)) EXPECT_FALSE(IsState(event, Job::SUCCEEDED));
  ASSERT_TRUE(Resume(name).ok());
  WaitUntilRunning(name, running);
  Tell(name, "succeed");
  EXPECT_EQ(WaitForEnd(name).published_version(), "models/clothes/versions/1");
}

TEST_F(JobLifeTest, TheTrainersOwnErrorIsTheJobsError) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  Tell(name, "fail the loss is not a number; lower optimizer.learning_rate");
  const Job job = WaitForEnd(name);
  EXPECT_EQ(job.state(), Job::FAILED);
  EXPECT_EQ(job.error().code(), static_cast<int>(StatusCode::INVALID_ARGUMENT));
  EXPECT_EQ(job.error().message(), "the loss is not a number; lower optimizer.learning_rate");
}

TEST_F(JobLifeTest, ATrainerThatIsKilledLeavesAFailedJobThatCanBeResumed) {
  StartServer();
  const std::string name = MustCreate().name();
  const int64_t running = WaitUntilRunning(name);
  Kill(name);
  const Job job = WaitForEnd(name);
  EXPECT_EQ(job.state(), Job::FAILED);
  EXPECT_THAT(job.error().message(), HasSubstr("signal 9 (Killed)"));
  EXPECT_THAT(job.error().message(), HasSubstr("`mae_client resume-job " + name + "` starts it again"));
  EXPECT_THAT(job.error().message(), HasSubstr("fake_trainer runs")) << "the end of trainer.log";
  ASSERT_TRUE(Resume(name).ok());
  WaitUntilRunning(name, running);
  EXPECT_EQ(Get(name).error().code(), 0);
  Tell(name, "succeed bare");
  EXPECT_EQ(WaitForEnd(name).state(), Job::SUCCEEDED);
}

TEST_F(JobLifeTest, OfATrainerThatIsKilledAfterACheckpointItIsSaidFromWhichStepAResumeGoesOn) {
  StartServer();
  const std::string name = MustCreate().name();
  const int64_t running = WaitUntilRunning(name);
  Tell(name, "checkpoint 10");
  Watch(name, running, [](const auto& event) { return event.checkpoint().step() == 10; });
  Kill(name);
  EXPECT_THAT(WaitForEnd(name).error().message(),
              HasSubstr("`mae_client resume-job " + name + "` goes on from step 10"));
}

TEST_F(JobLifeTest, ATrainerThatEndsWithoutAWordIsFailedWithItsExitCode) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  Tell(name, "exit 42");
  EXPECT_THAT(WaitForEnd(name).error().message(), HasSubstr("exit code 42"));
}

TEST_F(JobLifeTest, ATrainerThatHasGoneFailsTheJobAndNamesTheSetting) {
  const std::string trainer = Program("#!/bin/sh\n");
  StartServer({"jobs.trainer=" + trainer});
  std::filesystem::remove(trainer);
  const Job job = WaitForEnd(MustCreate().name());
  EXPECT_EQ(job.state(), Job::FAILED);
  EXPECT_THAT(job.error().message(), HasSubstr(trainer));
  EXPECT_THAT(job.error().message(), HasSubstr("jobs.trainer"));
}

TEST_F(JobLifeTest, OneSlotRunsOneJobAndTheOthersWaitInOrder) {
  StartServer();
  const std::string first = MustCreate().name(), second = MustCreate().name(), third = MustCreate().name();
  WaitUntilRunning(first);
  EXPECT_EQ(Get(second).state(), Job::QUEUED);
  EXPECT_EQ(Get(second).queue_position(), 0);
  EXPECT_EQ(Get(third).queue_position(), 1);
  EXPECT_THAT(Get(third).pending_reason(), HasSubstr("1 of 1 in use (" + first + ")"));
  Tell(first, "succeed bare");
  WaitUntilRunning(second);
  EXPECT_EQ(Get(first).state(), Job::SUCCEEDED);
  EXPECT_EQ(Get(third).state(), Job::QUEUED);
  Tell(second, "succeed bare");
  WaitUntilRunning(third);
}

TEST_F(JobLifeTest, TwoSlotsRunTwoJobs) {
  StartServer({"jobs.slots=2"});
  const std::string first = MustCreate().name(), second = MustCreate().name();
  WaitUntilRunning(first);
  WaitUntilRunning(second);
  EXPECT_EQ(Get(first).state(), Job::RUNNING);
}

TEST_F(JobLifeTest, ADiskWithoutItsReserveTakesNoNewJob) {
  StartServer({"disk.reserve_mib=1048576"});
  Job job;
  const grpc::Status refused = Create(Request(), job);
  EXPECT_EQ(refused.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("disk.reserve_mib"));
}

TEST_F(JobLifeTest, AFullQueueRefusesOneMore) {
  StartServer({"jobs.max_queued=1"});
  const std::string running = MustCreate().name();
  WaitUntilRunning(running);
  MustCreate();
  Job job;
  const grpc::Status refused = Create(Request(), job);
  EXPECT_EQ(refused.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("limit is 1"));
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(refused.error_details()));
  google::rpc::RetryInfo retry;
  ASSERT_EQ(details.details_size(), 1);
  EXPECT_TRUE(details.details(0).UnpackTo(&retry));
  EXPECT_GT(retry.retry_delay().seconds(), 0);
}

TEST_F(JobLifeTest, TheSameRequestTwiceMakesOneJob) {
  StartServer();
  v1::CreateJobRequest request = Request();
  request.set_request_id("6a2f41a3-c54c-fce8-32d2-0324e1c32e22");
  Job first, second;
  ASSERT_TRUE(Create(request, first).ok());
  ASSERT_TRUE(Create(request, second).ok());
  EXPECT_EQ(first.name(), second.name());
  EXPECT_THAT(Names({}), ElementsAre(first.name()));
  request.mutable_spec()->set_seed(7);
  Job third;
  const grpc::Status refused = Create(request, third);
  EXPECT_EQ(refused.error_code(), StatusCode::ALREADY_EXISTS);
  EXPECT_THAT(refused.error_message(), HasSubstr(first.name()));
}

TEST_F(JobLifeTest, ARequestIdThatIsNoUuidIsRefused) {
  StartServer();
  for (const char* id : {"retry-1", "6a2f41a3-c54c-fce8-32d2-0324e1c32e2",
                         "6a2f41a3xc54c-fce8-32d2-0324e1c32e22", "6a2f41a3-c54c-fce8-32d2-0324e1c32e2g"}) {
    v1::CreateJobRequest request = Request();
    request.set_request_id(id);
    Job job;
    const grpc::Status refused = Create(request, job);
    EXPECT_EQ(refused.error_code(), StatusCode::INVALID_ARGUMENT) << id;
    EXPECT_THAT(refused.error_message(), HasSubstr(absl::StrCat("request_id: '", id, "' is no UUID")));
    EXPECT_THAT(FaultyFields(refused), ElementsAre("request_id"));
  }
  EXPECT_THAT(Names({}), IsEmpty());
}

TEST_F(JobLifeTest, ValidateOnlyResolvesAndMakesNothing) {
  StartServer();
  v1::CreateJobRequest request = Request();
  request.set_validate_only(true);
  Job job;
  ASSERT_TRUE(Create(request, job).ok());
  EXPECT_EQ(job.name(), "");
  EXPECT_EQ(job.spec().data().batch_size(), 8);
  EXPECT_EQ(job.spec().pretrain().mask_ratio(), 0.75);
  EXPECT_THAT(Names({}), IsEmpty());
}

TEST_F(JobLifeTest, FieldsAtFaultAreNamedAndNothingStaysBehind) {
  StartServer();
  v1::CreateJobRequest request = Request();
  request.mutable_spec()->mutable_data()->set_batch_size(0);
  request.mutable_spec()->mutable_pretrain()->set_mask_ratio(1.5);
  Job job;
  const grpc::Status refused = Create(request, job);
  EXPECT_EQ(refused.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(FaultyFields(refused),
              testing::UnorderedElementsAre("spec.data.batch_size", "spec.pretrain.mask_ratio"));
  EXPECT_TRUE(std::filesystem::is_empty(temp_ / "data/jobs"));
}

TEST_F(JobLifeTest, AnUnknownDatasetOrModelIsNotFound) {
  StartServer();
  v1::CreateJobRequest request = Request();
  request.mutable_spec()->mutable_data()->set_dataset("tinny");
  Job job;
  const grpc::Status dataset = Create(request, job);
  EXPECT_EQ(dataset.error_code(), StatusCode::NOT_FOUND);
  EXPECT_THAT(dataset.error_message(), HasSubstr("tiny'"));
  request = Request();
  request.mutable_spec()->mutable_finetune()->set_from_model("nobody@best");
  const grpc::Status model = Create(request, job);
  EXPECT_EQ(model.error_code(), StatusCode::NOT_FOUND);
  EXPECT_THAT(FaultyFields(model), ElementsAre("spec.finetune.from_model"));
}

TEST_F(JobLifeTest, AQueuedJobWhoseFolderIsGoneFailsAndTheNextRuns) {
  StartServer();
  const std::string first = MustCreate().name(), lost = MustCreate().name(), next = MustCreate().name();
  WaitUntilRunning(first);
  std::filesystem::remove_all(Folder(lost).root());
  Tell(first, "succeed bare");
  WaitUntilRunning(next);
  const Job job = Get(lost);
  EXPECT_EQ(job.state(), Job::FAILED);
  EXPECT_THAT(job.error().message(), HasSubstr("the job's folder is missing or damaged"));
  EXPECT_THAT(job.error().message(), HasSubstr("delete the job"));
  EXPECT_TRUE(job.has_end_time());
  EXPECT_TRUE(Delete(lost).ok());
}

TEST_F(JobLifeTest, VerbsAreRefusedInStatesThatTheyDoNotFit) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  EXPECT_EQ(Resume(name).error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Delete(name).error_code(), StatusCode::FAILED_PRECONDITION);
  Tell(name, "succeed bare");
  WaitForEnd(name);
  EXPECT_EQ(Stop(name).error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(Stop(name).error_message(), HasSubstr("SUCCEEDED"));
  EXPECT_EQ(Resume(name).error_code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Stop("jobs/nobody").error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(Stop("nobody").error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Stop("jobs/../models").error_code(), StatusCode::INVALID_ARGUMENT);
}

// The trainer has said that it runs; the supervisor, who looks five times a second, need not have seen it.
TEST_F(JobLifeTest, AJobThatHasJustBegunIsRunningInEveryAnswer) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  EXPECT_THAT(Resume(name).error_message(), HasSubstr("is RUNNING"));
  EXPECT_THAT(Delete(name).error_message(), HasSubstr("is RUNNING"));
  v1::ListJobsRequest running;
  running.add_states(Job::RUNNING);
  EXPECT_THAT(Names(running), ElementsAre(name));
  EXPECT_EQ(Get(name).state(), Job::RUNNING);
}

TEST_F(JobLifeTest, ADatasetIsNotDeletedUnderAJob) {
  StartServer();
  const auto datasets = v1::DatasetService::NewStub(channel_);
  const auto job = MustCreate();
  v1::DeleteDatasetRequest request;
  request.set_name("datasets/" + Request().spec().data().dataset());
  google::protobuf::Empty ignored;
  const auto refusal = [&] {
    grpc::ClientContext context;
    return datasets->DeleteDataset(&context, request, &ignored).error_message();
  };
  EXPECT_THAT(refusal(), HasSubstr("is used by " + job.name()));
  EXPECT_TRUE(Stop(job.name(), /*immediate=*/true).ok());
  WaitForEnd(job.name());
  EXPECT_THAT(refusal(), testing::Not(HasSubstr(job.name()))) << "it has ended";
}

TEST_F(JobLifeTest, DeletingRemovesRowAndFolder) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  Tell(name, "succeed bare");
  WaitForEnd(name);
  ASSERT_TRUE(Delete(name).ok());
  EXPECT_TRUE(std::filesystem::is_empty(temp_ / "data/jobs"));
  EXPECT_THAT(Names({}), IsEmpty());
  EXPECT_EQ(Delete(name).error_code(), StatusCode::NOT_FOUND);
}

TEST_F(JobLifeTest, ListingPagesNewestFirstAndFiltersByState) {
  StartServer();
  const std::string a = MustCreate().name(), b = MustCreate().name(), c = MustCreate().name();
  WaitUntilRunning(a);
  v1::ListJobsRequest request;
  request.set_page_size(2);
  std::string next;
  EXPECT_THAT(Names(request, &next), ElementsAre(c, b));
  request.set_page_token(next);
  EXPECT_THAT(Names(request, &next), ElementsAre(a));
  EXPECT_EQ(next, "");
  v1::ListJobsRequest queued;
  queued.add_states(Job::QUEUED);
  EXPECT_THAT(Names(queued), ElementsAre(c, b));
  grpc::ClientContext context;
  v1::ListJobsResponse response;
  request.set_page_token("nonsense");
  EXPECT_EQ(jobs_->ListJobs(&context, request, &response).error_code(), StatusCode::INVALID_ARGUMENT);
}

TEST_F(JobLifeTest, AStateThatIsNamedAgainCountsOnceAndAnUnknownOneIsRefused) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  v1::ListJobsRequest request;
  for (int i = 0; i < 300'000; ++i)
    request.add_states(Job::RUNNING);  // a query has 250,000 parameters at most
  EXPECT_THAT(Names(request), ElementsAre(name));
  request.add_states(static_cast<Job::State>(99));
  grpc::ClientContext context;
  v1::ListJobsResponse response;
  EXPECT_EQ(jobs_->ListJobs(&context, request, &response).error_code(), StatusCode::INVALID_ARGUMENT);
}

TEST_F(JobLifeTest, MetricSeriesAreThinned) {
  StartServer();
  const std::string name = MustCreate().name();
  const int64_t running = WaitUntilRunning(name);
  for (int step = 1; step <= 21; ++step) Tell(name, absl::StrCat("metrics ", step, " ", 1.0 / step));
  Watch(name, running, [](const auto& event) { return event.metrics().step() == 21; });
  grpc::ClientContext context;
  v1::QueryMetricsRequest request;
  request.set_name(name);
  request.set_max_points(3);
  v1::QueryMetricsResponse response;
  ASSERT_TRUE(jobs_->QueryMetrics(&context, request, &response).ok());
  ASSERT_EQ(response.series_size(), 1);
  EXPECT_EQ(response.series(0).metric(), "loss");
  ASSERT_EQ(response.series(0).points_size(), 3);
  EXPECT_EQ(response.series(0).points(1).step(), 11);
  grpc::ClientContext again;
  request.add_metrics("lost");
  const grpc::Status unknown = jobs_->QueryMetrics(&again, request, &response);
  EXPECT_EQ(unknown.error_code(), StatusCode::NOT_FOUND);
  EXPECT_THAT(unknown.error_message(), HasSubstr("'loss'"));
  grpc::ClientContext twice;
  request.set_metrics(0, "loss");
  request.add_metrics("loss");
  EXPECT_EQ(jobs_->QueryMetrics(&twice, request, &response).error_code(), StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace mae
