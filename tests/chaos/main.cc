// Runs a mae_server through random operations and faults, a seed a run; see tools/chaos.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "tests/chaos/chaos_run.h"
#include "tests/fakes/dataset_files.h"
#include "tests/fakes/random_model.h"

namespace {

namespace fs = std::filesystem;

constexpr int kWeights = 3;
constexpr int64_t kProgressEvery = 50;
// Of so many runs with a program, some fault must have met it. Connections and tensors are met in one of 16
// runs, and of 48.
const std::map<std::string, int64_t> kRunsThatReach = {{"mae_server", 10},
                                                       {"mae_server (connections)", 150},
                                                       {"mae_server (tensors)", 450},
                                                       {"fake_trainer", 50},
                                                       {"mae_trainer", 10}};

// What costs fsyncs on a disk costs nothing in memory, and a killed process loses neither.
fs::path MakeScratch() {
  const fs::path parent = fs::is_directory("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path();
  std::string pattern = (parent / "mae-chaos-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr)
    throw std::runtime_error("can't make a folder in " + parent.string());
  return pattern;
}

mae::ChaosInputs MakeInputs(const fs::path& scratch) {
  mae::ChaosInputs inputs{scratch, scratch / "tiny", {}};
  mae::WriteIdxDataset(inputs.dataset, 20, 10);
  for (int i = 0; i < kWeights; ++i) {
    inputs.weights.push_back(scratch / absl::StrCat("weights-", i));
    mae::WriteRandomModel(inputs.weights.back(), mae::TinyClassifier(1), {}, static_cast<uint64_t>(i));
  }
  return inputs;
}

volatile std::sig_atomic_t told_to_end = 0;

struct Tally {
  int64_t runs = 0, real = 0, operations = 0, faults = 0, restarts = 0;
  std::map<std::string, int64_t> with;  ///< runs, by program that ran in them
  std::map<std::string, int64_t> hits;  ///< faults that were met, likewise
  std::vector<uint64_t> failed;

  void Add(uint64_t seed, const mae::ChaosReport& report) {
    ++runs;
    real += report.has_real_trainer ? 1 : 0;
    operations += report.operations;
    faults += report.faults;
    restarts += report.restarts;
    for (const char* part : {"mae_server", "mae_server (connections)", "mae_server (tensors)"}) ++with[part];
    ++with[report.has_real_trainer ? "mae_trainer" : "fake_trainer"];
    for (const auto& [program, met] : report.hits) hits[program] += met;
    if (!report.violations.empty()) failed.push_back(seed);
  }

  // Programs that no fault has met, though they were there often enough: faults do not reach them.
  std::vector<std::string> Unreached() const {
    std::vector<std::string> unreached;
    for (const auto& [program, there] : with) {
      if (there >= kRunsThatReach.at(program) && !hits.contains(program)) unreached.push_back(program);
    }
    return unreached;
  }
};

void Print(uint64_t seed, const mae::ChaosReport& report) {
  std::cout << "seed " << seed << ":\n  " << absl::StrJoin(report.steps, "\n  ") << "\n";
  for (const std::string& violation : report.violations) std::cout << "  BROKEN: " << violation << "\n";
  std::cout << std::flush;
}

int Run(uint64_t seed, int64_t runs, bool verbose) {
  const fs::path scratch = MakeScratch();
  const absl::Time start = absl::Now();
  const mae::ChaosInputs inputs = MakeInputs(scratch);
  Tally tally;
  const uint64_t first = seed;
  for (int64_t i = 0; i < runs && told_to_end == 0; ++i, ++seed) {
    const mae::ChaosReport report = mae::RunChaos(seed, inputs);
    tally.Add(seed, report);
    if (verbose || !report.violations.empty()) Print(seed, report);
    if (tally.runs % kProgressEvery == 0) std::cerr << "chaos: " << tally.runs << " runs\n";
  }
  fs::remove_all(scratch);
  std::cout << "chaos: " << tally.runs << " runs, seeds " << first << " to " << seed - 1 << ", " << tally.real
            << " of them with mae_trainer: " << tally.operations << " operations, " << tally.faults
            << " faults drawn, met by " << absl::StrJoin(tally.hits, ", ", absl::PairFormatter(": ")) << "; "
            << tally.restarts << " restarts, " << absl::ToInt64Seconds(absl::Now() - start) << " s; "
            << tally.failed.size() << " failed" << (tally.failed.empty() ? "" : ": seeds ")
            << absl::StrJoin(tally.failed, " ") << "\n";
  for (const std::string& program : tally.Unreached())
    std::cout << "BROKEN: in " << tally.with[program] << " runs of " << program << " no fault has met it\n";
  return tally.failed.empty() && tally.Unreached().empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t seed = 1;
  int64_t runs = 1;
  bool verbose = false;
  CLI::App app(
      "Runs a mae_server through random operations and faults, and holds it against what it acknowledged.",
      "chaos");
  app.add_option("--seed", seed, "of the first run; each later one has the next");
  app.add_option("--runs", runs, "how many")->check(CLI::Range(1, 1000000));
  app.add_flag("--verbose", verbose, "print what each run did, not only of those that fail");
  CLI11_PARSE(app, argc, argv);
  // An idle channel reads that its server ends when it is polled; each 5 seconds otherwise, for which the
  // server waits.
  setenv("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", "10", 1);
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { told_to_end = 1; });
  return Run(seed, runs, verbose);
}
