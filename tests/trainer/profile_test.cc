// mae_trainer --profile from outside: the trace that it leaves, and what it prints.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "base/durable_file.h"
#include "recipe/recipe_json.h"
#include "tests/fakes/status_matchers.h"
#include "tests/train/tiny_job.h"
#include "tests/trainer/trainer_process.h"

namespace mae {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Optional;
using testing::Pair;

// Four epochs of two steps, of 64 images and of 8: the greater is trained in two parts.
class ProfiledJob {
 public:
  ProfiledJob() {
    options_.data.batch_size = 64;
    options_.threads = 2;
    options_.schedule.epochs = 4;
    options_.optimizer.ema_decay = 0.9;
  }

  JobOptions& options() { return options_; }

  // Runs the job in a folder of its own. @return what the trainer printed.
  std::string Run(const std::string& name, const std::vector<std::string>& further) const {
    const JobFolder folder = job_.Folder(name);
    std::filesystem::create_directories(folder.root());
    EXPECT_THAT(WriteFileDurably(folder.spec(), JobOptionsToJson(options_)), IsOk());
    std::vector<std::string> arguments = {"--job-dir", folder.root().string()};
    arguments.insert(arguments.end(), further.begin(), further.end());
    TrainerProcess trainer(arguments);
    EXPECT_THAT(trainer.Wait(), Optional(0)) << trainer.output();
    return trainer.output();
  }

  JobFolder Folder(const std::string& name) const { return job_.Folder(name); }

 private:
  TinyJob job_;
  JobOptions options_ = job_.Pretrain();
};

std::vector<json> EventsIn(const JobFolder& folder, const std::string& kind) {
  const json trace = json::parse(ReadFile(folder.trace()).value());
  std::vector<json> events;
  for (const json& event : trace["traceEvents"]) {
    if (event["ph"] == kind) events.push_back(event);
  }
  EXPECT_FALSE(events.empty()) << kind;
  return events;
}

// One run for all: each start of a trainer takes longer than what it does.
class ProfileOfFourSteps : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    job_ = std::make_unique<ProfiledJob>();
    output_ = job_->Run("job", {"--profile", "4"});
  }
  static void TearDownTestSuite() { job_.reset(); }

  static JobFolder Folder() { return job_->Folder("job"); }

  static std::unique_ptr<ProfiledJob> job_;
  static std::string output_;
};

std::unique_ptr<ProfiledJob> ProfileOfFourSteps::job_;
std::string ProfileOfFourSteps::output_;

TEST_F(ProfileOfFourSteps, HasThePhasesOfTheStepsAfterTheWarmUpByThread) {
  std::map<std::string, std::set<int>> threads;
  std::vector<int> steps;
  for (const json& event : EventsIn(Folder(), "X")) {
    EXPECT_GE(event["ts"], 0.0) << event;
    EXPECT_GE(event["dur"], 0.0) << event;
    threads[event["name"]].insert(event["tid"].get<int>());
    if (event["name"] == "step") steps.push_back(event["args"]["step"]);
  }
  EXPECT_THAT(steps, ElementsAre(2, 3, 4, 5));
  for (const char* phase : {"data_wait", "sum_gradients", "clip", "optimizer", "report", "validation",
                            "picture", "checkpoint", "step"}) {
    EXPECT_THAT(threads[phase], ElementsAre(0)) << phase;
  }
  // The smaller batches are trained whole.
  for (const char* phase : {"forward", "backward"}) EXPECT_THAT(threads[phase], ElementsAre(0, 1, 2));
}

TEST_F(ProfileOfFourSteps, NamesTheThreads) {
  std::map<int, std::string> names;
  for (const json& event : EventsIn(Folder(), "M")) {
    if (event["name"] == "thread_name") names[event["tid"]] = event["args"]["name"];
  }
  EXPECT_THAT(names, ElementsAre(Pair(0, "training"), Pair(1, "part 0 of the batch"),
                                 Pair(2, "part 1 of the batch")));
}

TEST_F(ProfileOfFourSteps, HasForwardBackwardAndOptimizerInThisOrderInsideEachStep) {
  std::map<int, std::map<std::string, std::pair<double, double>>> steps;  // first begin and last end
  for (const json& event : EventsIn(Folder(), "X")) {
    const double begin = event["ts"], end = begin + event["dur"].get<double>();
    auto& phases = steps[event["args"]["step"]];
    auto& span = phases.try_emplace(event["name"], begin, end).first->second;
    span = {std::min(span.first, begin), std::max(span.second, end)};
  }
  constexpr double kRounding = 0.01;
  for (int step = 2; step < 6; ++step) {
    auto& phases = steps[step];
    EXPECT_LE(phases["step"].first, phases["forward"].first + kRounding) << step;
    EXPECT_LT(phases["forward"].first, phases["backward"].first) << step;
    EXPECT_LE(phases["backward"].second, phases["optimizer"].first + kRounding) << step;
    EXPECT_LE(phases["optimizer"].second, phases["step"].second + kRounding) << step;
  }
}

TEST_F(ProfileOfFourSteps, IsPrintedAsATable) {
  EXPECT_THAT(output_, HasSubstr("profile of 4 steps, in trace.json"));
  EXPECT_THAT(output_, testing::ContainsRegex("phase +count +total ms +share +median ms\n"));
  EXPECT_THAT(output_, testing::ContainsRegex("\nstep +4 +[0-9.]+ +[0-9.]+ % +[0-9.]+\n"));
  EXPECT_THAT(output_, HasSubstr("SUCCEEDED"));
}

TEST_F(ProfileOfFourSteps, ChangesNothingOfTheResult) {
  EXPECT_THAT(job_->Run("plain", {}), Not(HasSubstr("profile")));
  const JobFolder plain = job_->Folder("plain");
  EXPECT_FALSE(std::filesystem::exists(plain.trace()));
  EXPECT_EQ(Sha256Hex(ReadFile(plain.exported() / "model.safetensors").value()),
            Sha256Hex(ReadFile(Folder().exported() / "model.safetensors").value()));
}

TEST(Profile, OfAShorterRunHasWhatThereWas) {
  const ProfiledJob job;
  EXPECT_THAT(job.Run("job", {"--profile", "10000"}), HasSubstr("profile of 6 steps"));
  EXPECT_EQ(EventsIn(job.Folder("job"), "X").back()["args"]["step"], 7);
}

TEST(Profile, OfARunThatEndsWithItsWarmUpIsNone) {
  ProfiledJob job;
  job.options().schedule.epochs = 1;
  EXPECT_THAT(job.Run("job", {"--profile", "1"}),
              HasSubstr("no profile: the run ended with no step done after the first 2"));
  EXPECT_FALSE(std::filesystem::exists(job.Folder("job").trace()));
}

TEST(Profile, OfNoStepsIsWrongUsage) {
  for (const char* steps : {"0", "some"}) {
    TrainerProcess trainer({"--job-dir", std::filesystem::temp_directory_path(), "--profile", steps});
    EXPECT_THAT(trainer.Wait(), Optional(2)) << steps;
  }
}

}  // namespace
}  // namespace mae
