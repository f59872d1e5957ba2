#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace mae {

/// What all runs share and none changes.
struct ChaosInputs {
  std::filesystem::path scratch;               ///< each run makes a folder of its own in it, and removes it
  std::filesystem::path dataset;               ///< a small IDX dataset
  std::vector<std::filesystem::path> weights;  ///< folders of small classifiers
};

struct ChaosReport {
  std::vector<std::string> steps, violations;
  int64_t operations = 0, faults = 0, restarts = 0;
  std::map<std::string, int64_t> hits;  ///< calls that failed or killed as armed, by program
  bool has_real_trainer = false;
};

/// One server, random operations and faults, and its invariants after each restart and at the end. All that
/// is drawn follows from the seed; what threads and processes make of it may differ from run to run.
ChaosReport RunChaos(uint64_t seed, const ChaosInputs& inputs);

}  // namespace mae
