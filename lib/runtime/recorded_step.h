#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/side_stream.h"
#include "runtime/step_graph.h"

namespace mae {

/// Does the same step again and again, and on a GPU, once inputs of the same shapes came a few times in a
/// row, records what the step launches and replays it: of small models the host's share of a step is longer
/// than the device's. Inputs of other shapes (an epoch's last batch) are stepped with plainly. If recording
/// fails, all goes on plainly, and a warning says so. A replay leaves what the plain step leaves. One thread.
class RecordedStep {
 public:
  using Tensors = std::vector<torch::Tensor>;
  /// Inputs on the device to outputs there, whatever else it changes in place. Called again it must do the
  /// same work: no branch on values, no wait for the device, nothing read from the host. What it threw amid
  /// must not matter to the next call. The default generator is to be seeded before each Run.
  using Step = std::function<Tensors(const Tensors& inputs)>;
  using MakeGraph = std::function<std::unique_ptr<StepGraph>()>;
  using Warn = std::function<void(const std::string& warning)>;

  /// Plain steps with shapes before they are recorded: the first ones choose kernels and take memory.
  static constexpr int kPlainSteps = 3;

  /// @param make_graph nullptr: nothing is recorded.
  RecordedStep(const torch::Device& device, Step step, MakeGraph make_graph, Warn warn);

  /// Never waits for the device, but when it records. What the step throws comes out.
  /// @param inputs on the device, or page-locked on the host; undefined ones stay undefined.
  /// @return outputs on the device, of this call alone.
  Tensors Run(const Tensors& inputs);

  /// Whether Run replayed the last time.
  bool replays() const { return replays_; }

 private:
  struct Shape {
    bool defined = false;
    std::vector<int64_t> sizes = {};
    torch::ScalarType type = torch::kFloat32;
    bool operator==(const Shape&) const = default;
  };
  static std::vector<Shape> ShapesOf(const Tensors& tensors);

  Tensors RunHere(const Tensors& inputs);
  Tensors OnDevice(const Tensors& inputs) const;
  /// @return whether it could be done.
  bool Record(const Tensors& inputs);
  Tensors Replay(const Tensors& inputs);

  const torch::Device device_;
  const Step step_;
  MakeGraph make_graph_;
  const Warn warn_;
  SideStream stream_;
  std::vector<Shape> last_, recorded_;
  int in_row_ = 0;  // runs with the shapes `last_`
  bool replays_ = false;
  Tensors inputs_, outputs_;  // of the recording
  std::unique_ptr<StepGraph> graph_;
};

}  // namespace mae
