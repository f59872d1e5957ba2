// What a server does while an alias moves, while it is asked for more than it can give, and for a long time.
// tools/serving-trials and tools/soak run it.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <string>

#include "tools/overload_trial.h"
#include "tools/soak_trial.h"
#include "tools/swap_trial.h"
#include "tools/trial_images.h"

namespace mae {
namespace {

int Main(int argc, char** argv) {
  CLI::App app("Trials of a running mae_server");
  app.require_subcommand(1);
  std::string folder;
  uint64_t seed = 1;
  auto* make = app.add_subcommand("make", "Write a random ViT-Tiny/4 classifier");
  make->add_option("folder", folder)->required();
  make->add_option("seed", seed)->required();
  SwapTrial swap;
  auto* swapping = app.add_subcommand("swap", "Move an alias back and forth under load");
  swapping->add_option("--server", swap.server, "HOST:PORT")->required();
  swapping->add_option("--model", swap.model, "A classifier with versions 1 and 2")->required();
  swapping->add_option("--concurrency", swap.concurrency, "Calls under way")->check(CLI::PositiveNumber);
  swapping->add_option("--seconds", swap.seconds, "How long");
  swapping->add_option("--every", swap.every, "Seconds between moves");
  OverloadTrial overload;
  auto* overloading = app.add_subcommand("overload", "Send more than the server can answer");
  overloading->add_option("--server", overload.server, "HOST:PORT")->required();
  overloading->add_option("--model", overload.model, "A classifier")->required();
  overloading->add_option("--seconds", overload.seconds, "How long, each of two measurements");
  overloading->add_option("--times", overload.times, "Calls a second, against what the server reaches");
  overloading->add_option("--deadline", overload.deadline, "Seconds that a call may take");
  SoakTrial soak;
  auto* soaking =
      app.add_subcommand("soak", "Load a server for a long time while a job trains and is watched");
  soaking->add_option("--server", soak.server, "HOST:PORT")->required();
  soaking->add_option("--model", soak.model, "A classifier")->required();
  soaking->add_option("--job", soak.job, "One that trains")->required();
  soaking->add_option("--pid", soak.pid, "Of the server")->required();
  soaking->add_option("--warm-up", soak.warm_up, "Seconds before growth counts");
  soaking->add_option("--seconds", soak.seconds, "How long after them");
  soaking->add_option("--times", soak.times, "Calls a second, against what the server reaches, in turns")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  soaking->add_option("--deadline", soak.deadline, "Seconds that a call may take");
  soaking->add_option("--watchers", soak.watchers, "Streams of the job's events");
  CLI11_PARSE(app, argc, argv);
  if (*make) {
    MakeTrialModel(folder, seed);
    return 0;
  }
  const absl::Status status = *swapping  ? RunSwapTrial(swap)
                              : *soaking ? RunSoakTrial(soak)
                                         : RunOverloadTrial(overload);
  if (!status.ok()) fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace mae

int main(int argc, char** argv) { return mae::Main(argc, argv); }
