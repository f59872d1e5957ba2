// mae_trainer --job-dir DIR: runs the training job in a folder, with or without a server beside it.
// Exit: 0 the job succeeded or was stopped, 1 it failed, 2 wrong usage, 3 another trainer runs it.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "base/durable_file.h"
#include "base/status_macros.h"
#include "job/job_db.h"
#include "job/job_folder.h"
#include "job/job_lock.h"
#include "recipe/recipe_json.h"
#include "runtime/wait_policy.h"
#include "train/train_job.h"
#include "trainer/stop_signal.h"

namespace {

enum ExitCode { kDone = 0, kFailed = 1, kUsage = 2, kBusy = 3 };

int Fail(ExitCode code, const absl::Status& status) {
  spdlog::error("{}", status.ToString());
  return code;
}

absl::StatusOr<mae::JobState> RunJob(const mae::JobFolder& folder, mae::JobRecorder& recorder,
                                     const std::atomic<bool>& stop) {
  MAE_ASSIGN_OR_RETURN(const std::string spec, mae::ReadFile(folder.spec()));
  MAE_ASSIGN_OR_RETURN(const mae::JobOptions options, mae::JobOptionsFromJson(spec));
  return mae::RunTrainJob(options, folder, recorder, stop);
}

}  // namespace

int main(int argc, char** argv) {
  mae::WaitWithoutSpinning(argv);
  const auto& stop = mae::InstallStopSignal();
  spdlog::flush_on(spdlog::level::info);
  std::string job_dir;
  CLI::App app("Trains the job in a folder; see docs/architecture.md.", "mae_trainer");
  app.add_option("--job-dir", job_dir, "Folder with spec.json")->required()->check(CLI::ExistingDirectory);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }

  const mae::JobFolder folder(std::filesystem::canonical(job_dir));
  const auto lock = mae::LockJobFolder(folder);
  if (!lock.ok()) return Fail(absl::IsFailedPrecondition(lock.status()) ? kBusy : kFailed, lock.status());
  const auto db = mae::JobDbWriter::Open(folder.database());
  if (!db.ok()) return Fail(kFailed, db.status());
  mae::JobRecorder recorder(**db, [](const mae::LogEvent& event) {
    spdlog::log(spdlog::level::from_str(event.severity), "{}", event.text);
  });
  const auto end = mae::RecordEnd(recorder, RunJob(folder, recorder, stop));
  if (!end.ok()) return Fail(kFailed, end.status());
  return *end == mae::JobState::kFailed ? kFailed : kDone;
}
