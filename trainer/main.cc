// mae_trainer --job-dir DIR [--profile N]: runs the training job in a folder, with or without a server beside
// it.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "runtime/wait_policy.h"
#include "trainer/run_job.h"
#include "trainer/step_memory.h"
#include "trainer/stop_signal.h"

int main(int argc, char** argv) {
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
  app.footer("Exit: 0 succeeded or stopped, 1 failed, 2 wrong usage, 3 another trainer runs this job.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? mae::kDone : mae::kUsage;
  }
  return mae::RunJob(job_dir, stop, profile_steps);
}
