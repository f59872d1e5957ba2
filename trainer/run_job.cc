#include "trainer/run_job.h"

#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <utility>

#include "base/durable_file.h"
#include "base/status_macros.h"
#include "job/job_db.h"
#include "job/job_folder.h"
#include "job/job_lock.h"
#include "job/tensorboard_writer.h"
#include "recipe/recipe_json.h"
#include "train/train_job.h"

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

}  // namespace

ExitCode RunJob(const std::filesystem::path& job_dir, const std::atomic<bool>& stop, int64_t profile_steps) {
  // The last part of the path names the job on the model's card, so it must not be "." or empty.
  const JobFolder folder(std::filesystem::canonical(job_dir));
  const auto lock = LockJobFolder(folder);
  if (!lock.ok()) return Fail(absl::IsFailedPrecondition(lock.status()) ? kBusy : kFailed, lock.status());
  const auto db = JobDbWriter::Open(folder.database());
  if (!db.ok()) return Fail(kFailed, db.status());
  const auto plan = ReadPlan(folder);
  const auto tensorboard = MakeTensorboard(folder, plan);
  JobRecorder recorder(
      **db,
      [](const LogEvent& event) { spdlog::log(spdlog::level::from_str(event.severity), "{}", event.text); },
      tensorboard.get());
  const auto result = plan.ok() ? RunTrainJob(plan->options, folder, recorder, stop, profile_steps)
                                : absl::StatusOr<JobState>(plan.status());
  const auto end = RecordEnd(recorder, result);
  if (!end.ok()) return Fail(kFailed, end.status());
  return *end == JobState::kFailed ? kFailed : kDone;
}

}  // namespace mae
