// What a served model does while its alias moves, and while it is asked for more than it can give.
// tools/serving-trials runs it.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <string>

#include "tools/overload_trial.h"
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
  CLI11_PARSE(app, argc, argv);
  if (*make) {
    MakeTrialModel(folder, seed);
    return 0;
  }
  const absl::Status status = *swapping ? RunSwapTrial(swap) : RunOverloadTrial(overload);
  if (!status.ok()) fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace mae

int main(int argc, char** argv) { return mae::Main(argc, argv); }
