#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>

namespace mae {

/// What a piece of work has a GPU do, recorded as a CUDA graph: step_graph_cuda.cc in builds with CUDA,
/// others have none. One thread.
class StepGraph {
 public:
  /// @throws c10::Error in a build without CUDA.
  static std::unique_ptr<StepGraph> Make(const torch::Device& device);
  virtual ~StepGraph() = default;

  /// Records what `work` launches on the present stream, which is not the device's default one, and runs none
  /// of it. Tensors that the work makes and keeps stay where they are for every replay; those it reads must.
  /// Throws what the work throws, and c10::Error for what cannot be recorded (a wait for the device, a copy
  /// from memory that is not page-locked); the graph is then of no use. Once.
  virtual void Record(const std::function<void()>& work) = 0;

  /// Launches what was recorded on the present stream.
  virtual void Replay() = 0;
};

}  // namespace mae
