#pragma once

#include <c10/core/Event.h>
#include <torch/torch.h>

#include <cstdint>
#include <deque>
#include <vector>

namespace mae {

/// Reads numbers of a device some steps after they were asked for, so that the device is never idle while the
/// host waits for one. Of a CPU they are there at once. Bounds how far the host runs ahead. One thread.
class LateValues {
 public:
  struct Value {
    int64_t step = 0;  ///< as it was given
    float value = 0;
  };

  /// @param most numbers that may be on their way, at least 0.
  explicit LateValues(size_t most) : most_(most) {}

  /// Asks for a number that the present stream makes.
  /// @param scalar float32, one element.
  void Ask(int64_t step, const torch::Tensor& scalar);

  /// Those that have arrived, in the order they were asked for, each once. Waits while more than `most` are
  /// on their way.
  std::vector<Value> Arrived();

  /// All that were asked for and not given yet. Waits.
  std::vector<Value> All();

 private:
  struct Asked {
    int64_t step;
    torch::Tensor host;  // page-locked, if it comes from a device
    c10::Event arrival;
    bool on_device;
  };
  std::vector<Value> Take(size_t may_remain);

  const size_t most_;
  std::deque<Asked> asked_;
};

}  // namespace mae
