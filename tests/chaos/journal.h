#pragma once

#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace mae {

/// What a run did, in order, and which promises it found broken. Not thread-safe.
struct Journal {
  std::vector<std::string> steps, violations;
  bool clock_has_stepped = false;    ///< since the server's last start
  bool server_lacks_memory = false;  ///< now

  void Did(const std::string& step) { steps.push_back(step); }
  /// @return `holds`, noting what is broken if it does not.
  bool Check(bool holds, const std::string& what) {
    if (!holds) {
      violations.push_back(what);
      steps.push_back("BROKEN: " + what);
    }
    return holds;
  }
};

/// All choices of a run follow from its seed.
class Choices {
 public:
  explicit Choices(uint64_t seed) : engine_(seed) {}

  /// From 0 to below `count`.
  int64_t Below(int64_t count) { return static_cast<int64_t>(engine_() % static_cast<uint64_t>(count)); }
  bool Once(int64_t in) { return Below(in) == 0; }
  template <typename Container>
  auto& OneOf(Container& from) {
    return from[static_cast<size_t>(Below(static_cast<int64_t>(std::size(from))))];
  }
  /// 1 and more, half of them below 4: faults hit the first calls of an operation as well as late ones.
  int64_t Few() { return Once(2) ? Below(4) : Below(40); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace mae
