#pragma once

#include <c10/core/Event.h>
#include <torch/torch.h>

#include <cstdint>
#include <deque>
#include <vector>

namespace mae {

/// Reads numbers of a device a fixed count of steps after they were asked for, so that the device has work
/// left while the host waits for one, and the host never runs ahead further than that. Always as late, on a
/// CPU too: what is decided by them does not depend on who was quicker. One thread.
class LateValues {
 public:
  struct Value {
    int64_t step = 0;  ///< as it was given
    float value = 0;
  };

  /// @param lag numbers that stay on their way, at least 0.
  explicit LateValues(size_t lag) : lag_(lag) {}

  /// Asks for a number that the present stream makes.
  /// @param scalar float32, one element.
  void Ask(int64_t step, const torch::Tensor& scalar);

  /// All but the newest `lag`, in the order they were asked for, each once. Waits for them.
  std::vector<Value> Due() { return Take(lag_); }

  /// All that were asked for and not given yet. Waits.
  std::vector<Value> All() { return Take(0); }

 private:
  struct Asked {
    int64_t step;
    torch::Tensor host;  // page-locked, if it comes from a device
    c10::Event arrival;  // recorded then
  };
  std::vector<Value> Take(size_t remaining);

  const size_t lag_;
  std::deque<Asked> asked_;
};

}  // namespace mae
