// mae_trainer --job-dir DIR [--profile N]: runs the training job in a folder, with or without a server beside
// it.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/catch_all.h"
#include "base/log_lines.h"
#include "runtime/wait_policy.h"
#include "trainer/run_job.h"
#include "trainer/step_memory.h"
#include "trainer/stop_signal.h"

namespace {

int Run(int argc, char** argv) {
  mae::WaitWithoutSpinning(argv);
  const auto& stop = mae::InstallStopSignal();
  mae::KeepStepMemory();
  spdlog::flush_on(spdlog::level::info);

  std::string job_dir;
  int64_t profile_steps = 0;
  CLI::App app("Trains the job in a folder; see docs/architecture.md.", "mae_trainer");
  app.add_option("--job-dir", job_dir, "Folder with spec.json")->required()->check(CLI::ExistingDirectory);
  app.add_option("--profile", profile_steps,
                 "Trace N steps, after two to warm up: when each phase ran, as DIR/trace.json for Perfetto "
                 "(ui.perfetto.dev) and as a table")
      ->check(CLI::Range(1, 10000));
  std::string log_format = "text", request_id;
  app.add_option("--log-format", log_format, "Lines on stdout as text, or as a JSON object each")
      ->check(CLI::IsMember({"text", "json"}));
  app.add_option("--request-id", request_id, "What lines in JSON have as request_id");
  bool unless_ended = false;
  app.add_flag("--unless-ended", unless_ended, "Leave the job alone if it has ended, instead of resuming it");
  app.footer(
      "Exit: 0 succeeded or stopped, 1 failed, 2 wrong usage, 3 another trainer runs this job, or it has "
      "ended (--unless-ended), 4 another rank is lost.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? mae::kDone : mae::kUsage;
  }
  if (log_format == "json") {
    const std::string job = absl::StrCat("jobs/", std::filesystem::canonical(job_dir).filename().string());
    spdlog::set_formatter(
        mae::MakeJsonLogFormatter("mae_trainer", {{"job", job}, {"request_id", request_id}}));
  }
  return mae::RunJob(job_dir, stop, profile_steps, unless_ended);
}

}  // namespace

int main(int argc, char** argv) {
  const auto code = mae::CatchAll("unexpected", [&]() -> absl::StatusOr<int> { return Run(argc, argv); });
  if (code.ok()) return *code;
  spdlog::error("{}", code.status().ToString());
  return mae::kFailed;
}
