// What becomes of a job whose Slurm does not do what it should.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "job/job_db.h"
#include "recipe/recipe_json.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"
#include "tests/train/tiny_job.h"
#include "tests/trainer/trainer_process.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;
using testing::Optional;

// Of Slurm's commands what a real one can't be made to do; tests/slurm has a real one.
class FakeSlurm {
 public:
  FakeSlurm() {
    Program("squeue", "true");
    Program("sbatch", "echo 7");
    Program("scancel", absl::StrCat("echo \"$@\" >> ", (folder_ / "cancelled").string()));
  }

  void Program(const std::string& name, const std::string& body) {
    std::ofstream(folder_ / name) << "#!/bin/sh\n" << body << "\n";
    std::filesystem::permissions(folder_ / name, std::filesystem::perms::owner_all);
  }
  std::string Path() const { return absl::StrCat("PATH=", folder_.path().string(), ":/usr/bin:/bin"); }
  // A job is there until it is cancelled.
  void Leave(const std::string& id) {
    Program("squeue", absl::StrCat("[ -e ", (folder_ / "cancelled").string(), " ] || echo ", id));
  }
  std::string Cancelled() const { return ReadFile(folder_ / "cancelled").value_or(""); }

 private:
  TempFolder folder_;
};

class SlurmAgentTest : public testing::Test {
 protected:
  StateEvent EndWith(const FakeSlurm& slurm, Launcher launcher = Launcher::kSlurm, int exit_code = 1) {
    JobOptions options = job_.Pretrain();
    options.launcher = launcher;
    options.max_restarts = 1;
    const JobFolder folder = job_.Folder("job");
    std::filesystem::create_directories(folder.root());
    EXPECT_THAT(WriteFileDurably(folder.spec(), JobOptionsToJson(options)), IsOk());
    TrainerProcess trainer({"--job-dir", folder.root().string()}, {slurm.Path()});
    EXPECT_THAT(trainer.Wait(), Optional(exit_code)) << trainer.output();
    output_ = trainer.output();
    return EventsOf<StateEvent>(folder).back();
  }

  TinyJob job_;
  FakeSlurm slurm_;
  std::string output_;
};

TEST_F(SlurmAgentTest, AJobThatSlurmDoesNotTakeFailsWithItsWords) {
  slurm_.Program("sbatch", "echo 'invalid partition' >&2; exit 1");
  EXPECT_THAT(EndWith(slurm_).error, StatusIs(StatusCode::kInternal, HasSubstr("invalid partition")));
}

TEST_F(SlurmAgentTest, AJobThatCanNotBeReleasedIsCancelled) {
  slurm_.Program("scontrol", "exit 1");
  EXPECT_EQ(EndWith(slurm_).state, JobState::kFailed);
  EXPECT_EQ(slurm_.Cancelled(), "7\n");
}

TEST_F(SlurmAgentTest, AJobWhoseNodesFailAgainAndAgainFails) {
  slurm_.Program("scontrol", "[ $1 = release ] || echo JobId=7 JobState=NODE_FAIL Reason=None");
  const StateEvent end = EndWith(slurm_);
  EXPECT_THAT(end.error, StatusIs(StatusCode::kUnavailable, HasSubstr("NODE_FAIL, after 1 restarts")));
  EXPECT_THAT(output_, HasSubstr("restart 1 of 1"));
}

TEST_F(SlurmAgentTest, AJobThatGoesOnOutsideSlurmCancelsWhatItLeftThere) {
  const std::filesystem::path script = job_.Folder("job").root() / "slurm.sh";
  slurm_.Program("sbatch", "exit 1");
  EndWith(slurm_);
  ASSERT_TRUE(std::filesystem::exists(script));
  slurm_.Leave("7");
  EXPECT_EQ(EndWith(slurm_, Launcher::kLocal, 0).state, JobState::kSucceeded);
  EXPECT_EQ(slurm_.Cancelled(), "7\n");
  EXPECT_FALSE(std::filesystem::exists(script)) << "asks Slurm at every start";
}

TEST_F(SlurmAgentTest, AJobWhoseLeftoversCanNotBeCancelledDoesNotTrainBesideThem) {
  slurm_.Program("sbatch", "exit 1");
  EndWith(slurm_);
  ASSERT_THAT((*JobDbWriter::Open(job_.Folder("job").database()))->Append(StateEvent{JobState::kQueued, {}}),
              IsOk());
  slurm_.Leave("7");
  slurm_.Program("scancel", "echo 'no controller' >&2; exit 1");
  EXPECT_THAT(EndWith(slurm_, Launcher::kLocal).error,
              StatusIs(StatusCode::kInternal, HasSubstr("no controller")));
}

}  // namespace
}  // namespace mae
