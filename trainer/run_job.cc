#include "trainer/run_job.h"

#include <spdlog/spdlog.h>

#include <string>

#include "base/durable_file.h"
#include "base/status_macros.h"
#include "job/job_db.h"
#include "job/job_folder.h"
#include "job/job_lock.h"
#include "recipe/recipe_json.h"
#include "train/train_job.h"

namespace mae {
namespace {

ExitCode Fail(ExitCode code, const absl::Status& status) {
  spdlog::error("{}", status.ToString());
  return code;
}

absl::StatusOr<JobState> ReadAndTrain(const JobFolder& folder, JobRecorder& recorder,
                                      const std::atomic<bool>& stop) {
  MAE_ASSIGN_OR_RETURN(const std::string spec, ReadFile(folder.spec()));
  MAE_ASSIGN_OR_RETURN(const JobOptions options, JobOptionsFromJson(spec));
  return RunTrainJob(options, folder, recorder, stop);
}

}  // namespace

ExitCode RunJob(const std::filesystem::path& job_dir, const std::atomic<bool>& stop) {
  // The last part of the path names the job on the model's card, so it must not be "." or empty.
  const JobFolder folder(std::filesystem::canonical(job_dir));
  const auto lock = LockJobFolder(folder);
  if (!lock.ok()) return Fail(absl::IsFailedPrecondition(lock.status()) ? kBusy : kFailed, lock.status());
  const auto db = JobDbWriter::Open(folder.database());
  if (!db.ok()) return Fail(kFailed, db.status());
  JobRecorder recorder(**db, [](const LogEvent& event) {
    spdlog::log(spdlog::level::from_str(event.severity), "{}", event.text);
  });
  const auto end = RecordEnd(recorder, ReadAndTrain(folder, recorder, stop));
  if (!end.ok()) return Fail(kFailed, end.status());
  return *end == JobState::kFailed ? kFailed : kDone;
}

}  // namespace mae
