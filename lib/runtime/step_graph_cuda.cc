#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <cuda_runtime_api.h>

#include "runtime/step_graph.h"

namespace mae {
namespace {

class CudaStepGraph : public StepGraph {
 public:
  explicit CudaStepGraph(const torch::Device& device) : device_(device) {}

  void Record(const std::function<void()>& work) override {
    torch::cuda::synchronize(device_.index());
    c10::cuda::CUDACachingAllocator::emptyCache();  // A recording has memory of its own.
    // Other threads may take page-locked memory meanwhile.
    graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      Abandon();
      throw;
    }
    graph_.capture_end();
  }

  void Replay() override { graph_.replay(); }

 private:
  // The stream must not stay in recording; the first error is the one to tell.
  void Abandon() {
    try {
      graph_.capture_end();
    } catch (const c10::Error&) {
    }
    (void)cudaGetLastError();  // Else the next call that looks would report it.
  }

  const torch::Device device_;
  at::cuda::CUDAGraph graph_;
};

}  // namespace

std::unique_ptr<StepGraph> StepGraph::Make(const torch::Device& device) {
  return std::make_unique<CudaStepGraph>(device);
}

}  // namespace mae
