// Where a job runs: what a machine lacks is told at once, and a job that goes on may do so elsewhere.
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "job/job_folder.h"
#include "tests/server/grpc_host.h"
#include "tests/server/server_fixture.h"

namespace mae {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using v1::Job;

class JobResourcesTest : public ServerTest {
 protected:
  grpc::Status ResumeOn(const std::string& name, const v1::ResourceSpec& resources) {
    grpc::ClientContext context;
    v1::ResumeJobRequest request;
    request.set_name(name);
    *request.mutable_resources() = resources;
    Job job;
    return jobs_->ResumeJob(&context, request, &job);
  }

  std::string StoppedJob() {
    const std::string name = MustCreate().name();
    WaitUntilRunning(name);
    EXPECT_TRUE(Stop(name).ok());
    EXPECT_EQ(WaitForEnd(name).state(), Job::STOPPED);
    return name;
  }

  nlohmann::json ResourcesOnDisk(const std::string& name) const {
    std::ifstream file(Folder(name).spec());
    return nlohmann::json::parse(file)["spec"]["resources"];
  }

  // The error of a job that asks for these resources; it is told before anything is made, and also by a dry
  // run.
  grpc::Status Refusal(const v1::ResourceSpec& resources) {
    v1::CreateJobRequest request = Request();
    *request.mutable_spec()->mutable_resources() = resources;
    Job job;
    const grpc::Status refused = Create(request, job);
    request.set_validate_only(true);
    const grpc::Status dry = Create(request, job);
    EXPECT_EQ(dry.error_message(), refused.error_message());
    EXPECT_TRUE(std::filesystem::is_empty(temp_ / "data/jobs"));
    return refused;
  }
};

TEST_F(JobResourcesTest, AStoppedJobGoesOnWithOtherResourcesAndKeepsTheRest) {
  StartServer();
  const std::string name = StoppedJob();
  const v1::JobSpec before = Get(name).spec();
  v1::ResourceSpec resources = before.resources();
  resources.set_processes(2);
  resources.set_threads(2);
  ASSERT_TRUE(ResumeOn(name, resources).ok());
  WaitUntilRunning(name, Get(name).last_sequence() - 1);
  EXPECT_EQ(ResourcesOnDisk(name)["processes"], 2) << "what the trainer reads";
  v1::JobSpec after = Get(name).spec();
  EXPECT_EQ(after.resources().processes(), 2);
  EXPECT_EQ(after.resources().threads(), 2);
  *after.mutable_resources() = before.resources();
  EXPECT_EQ(after.SerializeAsString(), before.SerializeAsString());
  DropServer();
  StartServer();
  EXPECT_EQ(Get(name).spec().resources().processes(), 2) << "kept in mae.db";
  Tell(name, "succeed bare");
  EXPECT_EQ(WaitForEnd(name).state(), Job::SUCCEEDED);
}

TEST_F(JobResourcesTest, ResourcesThatCannotBeLeaveTheJobAsItWas) {
  StartServer();
  const std::string name = StoppedJob();
  v1::ResourceSpec resources;
  resources.set_processes(9);
  const grpc::Status refused = ResumeOn(name, resources);
  EXPECT_EQ(refused.error_code(), grpc::INVALID_ARGUMENT);
  EXPECT_THAT(refused.error_message(), HasSubstr("9, more than data.batch_size, 8"));
  EXPECT_THAT(FaultyFields(refused), ElementsAre("resources.processes"));
  resources.set_processes(1);
  resources.set_device("cuda:77");
  EXPECT_THAT(FaultyFields(ResumeOn(name, resources)), ElementsAre("resources.device"));
  EXPECT_EQ(Get(name).state(), Job::STOPPED);
  EXPECT_EQ(Get(name).spec().resources().processes(), 1);
  EXPECT_EQ(ResourcesOnDisk(name)["device"], "auto");
}

TEST_F(JobResourcesTest, OnlyAnEndedJobTakesOtherResources) {
  StartServer();
  const std::string name = MustCreate().name();
  WaitUntilRunning(name);
  v1::ResourceSpec resources;
  resources.set_processes(2);
  const grpc::Status refused = ResumeOn(name, resources);
  EXPECT_EQ(refused.error_code(), grpc::FAILED_PRECONDITION);
  EXPECT_THAT(refused.error_message(), HasSubstr("is RUNNING"));
  EXPECT_EQ(ResourcesOnDisk(name)["processes"], 1);
}

TEST_F(JobResourcesTest, ADeviceThatIsNotHereIsRefusedAtOnce) {
  StartServer();
  v1::ResourceSpec resources;
  resources.set_device("cuda:77");
  const grpc::Status refused = Refusal(resources);
  EXPECT_EQ(refused.error_code(), grpc::FAILED_PRECONDITION);
  EXPECT_THAT(refused.error_message(),
              testing::StartsWith("spec.resources.device: there is no cuda:77 here"));
  EXPECT_THAT(FaultyFields(refused), ElementsAre("spec.resources.device"));
}

// The environment is changed while no thread of a server reads it.
class JobsForSlurmTest : public JobResourcesTest {
 protected:
  void Begin(const std::string& path) {
    setenv("PATH", path.c_str(), 1);
    StartServer();
  }
  ~JobsForSlurmTest() override {
    DropServer();
    setenv("PATH", path_.c_str(), 1);
  }
  void MakeCommands() const {
    for (const char* command : {"sbatch", "squeue", "scontrol", "scancel"}) {
      std::filesystem::copy_file(Program("#!/bin/sh\n"), temp_ / command);
    }
  }
  v1::ResourceSpec Slurm() const {
    v1::ResourceSpec resources;
    resources.set_launcher(v1::LAUNCHER_SLURM);
    resources.set_device("cuda:77");  // of the nodes, which nobody here knows
    return resources;
  }

 private:
  const std::string path_ = std::getenv("PATH");
};

TEST_F(JobsForSlurmTest, WithoutItsCommandsTheyAreRefusedAtOnce) {
  Begin((temp_ / "nothing").string());
  const grpc::Status refused = Refusal(Slurm());
  EXPECT_EQ(refused.error_code(), grpc::FAILED_PRECONDITION);
  EXPECT_THAT(refused.error_message(), HasSubstr("finds no sbatch on its PATH"));
  EXPECT_THAT(FaultyFields(refused), ElementsAre("spec.resources.launcher"));
}

TEST_F(JobsForSlurmTest, WithThemTheyAreTaken) {
  MakeCommands();
  Begin("/nowhere:" + temp_.path().string());
  v1::CreateJobRequest request = Request();
  *request.mutable_spec()->mutable_resources() = Slurm();
  request.set_validate_only(true);
  Job job;
  const grpc::Status taken = Create(request, job);
  EXPECT_TRUE(taken.ok()) << taken.error_message();
}

TEST_F(JobsForSlurmTest, AJobThatGoesOnThereHasAJournalThatOtherMachinesSee) {
  MakeCommands();
  Begin(temp_.path().string());
  const std::string name = StoppedJob();
  const grpc::Status resumed = ResumeOn(name, Slurm());
  ASSERT_TRUE(resumed.ok()) << resumed.error_message();
  WaitUntilRunning(name, Get(name).last_sequence() - 1);
  EXPECT_FALSE(std::filesystem::exists(Folder(name).database().string() + "-wal"));
  Kill(name);
}

}  // namespace
}  // namespace mae
