#include "trainer/run_job.h"

#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/durable_file.h"
#include "base/status_macros.h"
#include "job/job_db.h"
#include "job/job_folder.h"
#include "job/job_lock.h"
#include "job/tensorboard_writer.h"
#include "recipe/recipe_json.h"
#include "runtime/rank_place.h"
#include "train/train_job.h"
#include "trainer/rank_agent.h"
#include "trainer/slurm_agent.h"

namespace mae {
namespace {

ExitCode Fail(ExitCode code, const absl::Status& status) {
  spdlog::error("{}", status.ToString());
  return code;
}

// A spec as it is on disk, and what it says.
struct JobPlan {
  std::string spec;
  JobOptions options;
};

absl::StatusOr<JobPlan> ReadPlan(const JobFolder& folder) {
  MAE_ASSIGN_OR_RETURN(std::string spec, ReadFile(folder.spec()));
  MAE_ASSIGN_OR_RETURN(JobOptions options, JobOptionsFromJson(spec));
  return JobPlan{std::move(spec), std::move(options)};
}

absl::StatusOr<std::unique_ptr<TensorboardWriter>> BeginEventFile(const JobFolder& folder,
                                                                  const std::string& spec) {
  MAE_ASSIGN_OR_RETURN(auto writer, TensorboardWriter::Create(folder));
  MAE_RETURN_IF_ERROR(writer->Settings(spec));
  return writer;
}

// Nothing if the job wants none, or if the disk refuses: training does not depend on it.
std::unique_ptr<TensorboardWriter> MakeTensorboard(const JobFolder& folder,
                                                   const absl::StatusOr<JobPlan>& plan) {
  if (!plan.ok() || !plan->options.tensorboard) return nullptr;
  auto writer = BeginEventFile(folder, plan->spec);
  if (writer.ok()) return *std::move(writer);
  spdlog::warn("no TensorBoard files: {}", writer.status().ToString());
  return nullptr;
}

// Trains, and records the end where this process records.
ExitCode Train(const JobFolder& folder, const absl::StatusOr<JobPlan>& plan, const RankPlace& place,
               const std::atomic<bool>& stop, int64_t profile_steps) {
  const auto db = JobDbWriter::Open(folder.database(),
                                    place.ranks > 1 ? JobDbReach::kSeveralMachines : JobDbReach::kOneMachine);
  if (!db.ok()) return Fail(kFailed, db.status());
  const auto tensorboard = MakeTensorboard(folder, plan);
  JobRecorder recorder(
      **db,
      [](const LogEvent& event) { spdlog::log(spdlog::level::from_str(event.severity), "{}", event.text); },
      tensorboard.get());
  const auto result = plan.ok() ? RunTrainJob(plan->options, folder, recorder, place, stop, profile_steps)
                                : absl::StatusOr<JobState>(plan.status());
  if (place.ranks > 1 && absl::IsUnavailable(result.status())) return Fail(kRankLost, result.status());
  const auto end = RecordEnd(recorder, result);
  if (!end.ok()) return Fail(kFailed, end.status());
  return *end == JobState::kFailed ? kFailed : kDone;
}

// A rank beside the first: what it says that matters goes to the log.
ExitCode TrainBeside(const JobFolder& folder, const JobPlan& plan, const RankPlace& place,
                     const std::atomic<bool>& stop) {
  JobRecorder recorder([&](const LogEvent& event) {
    if (event.severity != "info")
      spdlog::log(spdlog::level::from_str(event.severity), "rank {}: {}", place.rank, event.text);
  });
  const auto result = RunTrainJob(plan.options, folder, recorder, place, stop);
  if (result.ok()) return kDone;
  spdlog::error("rank {}: {}", place.rank, result.status().ToString());
  return absl::IsUnavailable(result.status()) ? kRankLost : kFailed;
}

bool FolderIsLocked() {
  const std::string name(kFolderIsLocked, std::string(kFolderIsLocked).find('='));
  return std::getenv(name.c_str()) != nullptr;
}

ExitCode RunRank(const JobFolder& folder, const RankPlace& place, const std::atomic<bool>& stop,
                 int64_t profile_steps) {
  std::optional<FileLock> lock;
  if (place.rank == 0 && !FolderIsLocked()) {
    auto taken = LockJobFolder(folder);
    if (!taken.ok())
      return Fail(absl::IsFailedPrecondition(taken.status()) ? kBusy : kFailed, taken.status());
    lock.emplace(*std::move(taken));
  }
  const auto plan = ReadPlan(folder);
  if (place.ranks > 1) spdlog::info("rank {} of {} waits for the others", place.rank, place.ranks);
  if (place.rank == 0) return Train(folder, plan, place, stop, profile_steps);
  return plan.ok() ? TrainBeside(folder, *plan, place, stop) : Fail(kFailed, plan.status());
}

ExitCode RunWhole(const JobFolder& folder, const std::atomic<bool>& stop, int64_t profile_steps,
                  bool unless_ended) {
  const auto lock = unless_ended ? LockJobToRun(folder) : LockJobFolder(folder);
  if (!lock.ok()) return Fail(absl::IsFailedPrecondition(lock.status()) ? kBusy : kFailed, lock.status());
  const auto plan = ReadPlan(folder);
  if (plan.ok() && plan->options.launcher == Launcher::kSlurm) return RunOnSlurm(folder, plan->options, stop);
  if (const absl::Status left = LeaveSlurm(folder); !left.ok()) {
    return FailJob(
        folder, left.code(),
        absl::StrCat("what an earlier run left in Slurm can't be cancelled: ", std::string(left.message())));
  }
  if (plan.ok() && plan->options.processes > 1) return RunRanks(folder, plan->options, stop);
  return Train(folder, plan, RankPlace(), stop, profile_steps);
}

}  // namespace

ExitCode RunJob(const std::filesystem::path& job_dir, const std::atomic<bool>& stop, int64_t profile_steps,
                bool unless_ended) {
  // The last part of the path names the job on the model's card, so it must not be "." or empty.
  const JobFolder folder(std::filesystem::canonical(job_dir));
  const auto place = RankPlaceFromEnvironment();
  if (!place.ok()) return Fail(kUsage, place.status());
  return place->has_value() ? RunRank(folder, **place, stop, profile_steps)
                            : RunWhole(folder, stop, profile_steps, unless_ended);
}

}  // namespace mae
