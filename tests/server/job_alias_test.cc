// What a job does to the aliases of the model that it publishes.
#include <gmock/gmock.h>

#include "mae/v1/model.grpc.pb.h"
#include "tests/server/server_fixture.h"

namespace mae {
namespace {

using testing::HasSubstr;
using v1::Job;

class JobAliasTest : public ServerTest {
 protected:
  // A job for the alias prod of `clothes`, whose trainer says of its model what `measured` is.
  Job Publish(const std::string& measured, const std::string& only_if_better) {
    v1::CreateJobRequest request = Request("clothes");
    request.mutable_spec()->mutable_publish()->add_aliases("prod");
    request.mutable_spec()->mutable_publish()->set_only_if_better(only_if_better);
    Job job;
    const grpc::Status made = Create(request, job);
    EXPECT_TRUE(made.ok()) << made.error_message();
    WaitUntilRunning(job.name());
    Tell(job.name(), "succeed " + measured);
    return WaitForEnd(job.name());
  }

  int64_t Prod() {
    grpc::ClientContext context;
    v1::GetModelRequest request;
    request.set_name("models/clothes");
    v1::Model model;
    EXPECT_TRUE(v1::ModelService::NewStub(channel_)->GetModel(&context, request, &model).ok());
    return model.aliases().at("prod");
  }
};

TEST_F(JobAliasTest, TheAliasMovesOnlyToABetterModelAndTheJobSaysWhy) {
  StartServer();
  const Job first = Publish("validation_loss 0.5 tiny", "validation_loss");
  ASSERT_EQ(first.alias_moves_size(), 1) << first.DebugString();
  EXPECT_EQ(first.alias_moves(0).alias(), "prod");
  EXPECT_TRUE(first.alias_moves(0).moved()) << "there was no such alias";
  const Job worse = Publish("validation_loss 0.75 tiny", "validation_loss");
  EXPECT_EQ(worse.published_version(), "models/clothes/versions/2");
  ASSERT_EQ(worse.alias_moves_size(), 1);
  EXPECT_FALSE(worse.alias_moves(0).moved());
  EXPECT_EQ(worse.alias_moves(0).reason(), "validation_loss 0.75 does not beat 0.5 of version 1");
  EXPECT_EQ(Prod(), 1);
  const Job better = Publish("validation_loss 0.25 tiny", "validation_loss");
  EXPECT_TRUE(better.alias_moves(0).moved());
  EXPECT_EQ(Prod(), 3);
  const auto events = Watch(worse.name());
  ASSERT_TRUE(IsState(events.back(), Job::SUCCEEDED));
  ASSERT_EQ(events.back().state().alias_moves_size(), 1);
  EXPECT_EQ(events.back().state().alias_moves(0).reason(), worse.alias_moves(0).reason());
}

TEST_F(JobAliasTest, WithoutAConditionTheAliasMovesInAnyCase) {
  StartServer();
  Publish("validation_loss 0.5 tiny", "");
  const Job worse = Publish("validation_loss 0.75 tiny", "");
  EXPECT_TRUE(worse.alias_moves(0).moved());
  EXPECT_EQ(Prod(), 2);
}

TEST_F(JobAliasTest, WhatWasMeasuredElsewhereIsNoRival) {
  StartServer();
  Publish("validation_loss 0.5 other", "validation_loss");
  const Job job = Publish("validation_loss 0.25 tiny", "validation_loss");
  EXPECT_FALSE(job.alias_moves(0).moved());
  EXPECT_THAT(job.alias_moves(0).reason(), HasSubstr("on tiny and version 1 on other"));
  EXPECT_EQ(Prod(), 1);
}

TEST_F(JobAliasTest, TheOutcomeOutlivesTheServer) {
  StartServer();
  Publish("validation_loss 0.5 tiny", "validation_loss");
  const Job job = Publish("validation_loss 0.75 tiny", "validation_loss");
  server_ = nullptr;
  StartServer();
  const Job later = Get(job.name());
  ASSERT_EQ(later.alias_moves_size(), 1);
  EXPECT_EQ(later.alias_moves(0).reason(), job.alias_moves(0).reason());
}

TEST_F(JobAliasTest, AConditionThatCannotBeMeasuredIsRefusedByItsField) {
  StartServer();
  v1::CreateJobRequest request = Request("clothes");
  request.mutable_spec()->mutable_publish()->add_aliases("prod");
  request.mutable_spec()->mutable_publish()->set_only_if_better("accuracy");
  Job job;
  const grpc::Status status = Create(request, job);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("publish.only_if_better: is \"accuracy\", which a pretrain"));
}

}  // namespace
}  // namespace mae
