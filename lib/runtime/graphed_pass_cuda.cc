#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <bit>
#include <map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "runtime/graphed_pass.h"

namespace mae {
namespace {

// The first passes of a size choose kernels and take memory, which a recording may not.
constexpr int kPassesBeforeRecording = 2;

// Memory that a recording takes must not be asked for by other threads meanwhile: recordings are alone, the
// rest together.
ABSL_CONST_INIT absl::Mutex recording(absl::kConstInit);

// A batch size's recorded launches, and the memory that they read and write.
struct Recorded {
  at::cuda::CUDAGraph graph;
  torch::Tensor input, output;            // on the device
  torch::Tensor host_input, host_output;  // page-locked
};

// One pass at a time, on a stream of its own.
class Lane {
 public:
  explicit Lane(const torch::Device& device)
      : device_(device), stream_(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index())) {}

  torch::Tensor Run(const torch::Tensor& images, int64_t max_batch, const DevicePass::Forward& forward) {
    const c10::cuda::CUDAStreamGuard guard(stream_);
    const int64_t count = images.size(0);
    if (count > max_batch) return Plain(images, forward);
    Recorded& recorded = RecordedFor(images, forward);
    recorded.host_input.slice(0, 0, count).copy_(images);
    {
      const absl::ReaderMutexLock lock(&recording);
      recorded.input.copy_(recorded.host_input, /*non_blocking=*/true);
      recorded.graph.replay();
      recorded.host_output.copy_(recorded.output, /*non_blocking=*/true);
      stream_.synchronize();  // The pool has 32 streams: another lane may record on this one.
    }
    return recorded.host_output.slice(0, 0, count).clone();
  }

 private:
  torch::Tensor Plain(const torch::Tensor& images, const DevicePass::Forward& forward) const {
    const absl::ReaderMutexLock lock(&recording);
    return forward(images.to(device_)).to(torch::kCPU, torch::kFloat32).contiguous();
  }

  Recorded& RecordedFor(const torch::Tensor& images, const DevicePass::Forward& forward) {
    const auto size = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(images.size(0))));
    auto& recorded = recorded_[size];
    if (recorded) return *recorded;
    const absl::MutexLock lock(&recording);
    auto fresh = std::make_unique<Recorded>();
    auto sizes = images.sizes().vec();
    sizes[0] = size;
    const auto locked = torch::TensorOptions().pinned_memory(true);
    fresh->host_input = torch::zeros(sizes, locked);
    fresh->input = fresh->host_input.to(device_);
    for (int i = 0; i < kPassesBeforeRecording; ++i)
      fresh->output = forward(fresh->input).to(torch::kFloat32);
    stream_.synchronize();
    fresh->host_output = torch::empty(fresh->output.sizes(), locked);
    Record(*fresh, forward);
    recorded = std::move(fresh);
    return *recorded;
  }

  static void Record(Recorded& fresh, const DevicePass::Forward& forward) {
    fresh.graph.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
    try {
      fresh.output = forward(fresh.input).to(torch::kFloat32);
    } catch (...) {
      // The stream goes back to its pool: it must not stay in recording. The first error is the one to tell.
      try {
        fresh.graph.capture_end();
      } catch (const c10::Error&) {
      }
      throw;
    }
    fresh.graph.capture_end();
  }

  const torch::Device device_;
  const c10::cuda::CUDAStream stream_;
  std::map<int64_t, std::unique_ptr<Recorded>>
      recorded_;  // by batch size: powers of two, so that they are few
};

class GraphedPass : public DevicePass {
 public:
  GraphedPass(const torch::Device& device, int64_t max_batch, Forward forward)
      : device_(device), max_batch_(max_batch), forward_(std::move(forward)) {}

  ~GraphedPass() override {
    const absl::MutexLock lock(&recording);  // Graphs take themselves off lists that recordings change.
    lanes_.clear();
  }

  torch::Tensor Run(const torch::Tensor& images) override {
    auto lane = TakeLane();
    auto rows = lane->Run(images, max_batch_, forward_);
    const absl::MutexLock lock(&mutex_);
    lanes_.push_back(std::move(lane));  // A lane whose pass failed is not used again.
    return rows;
  }

 private:
  std::unique_ptr<Lane> TakeLane() {
    {
      const absl::MutexLock lock(&mutex_);
      if (!lanes_.empty()) {
        auto lane = std::move(lanes_.back());
        lanes_.pop_back();
        return lane;
      }
    }
    return std::make_unique<Lane>(device_);
  }

  const torch::Device device_;
  const int64_t max_batch_;
  const Forward forward_;
  absl::Mutex mutex_;
  std::vector<std::unique_ptr<Lane>> lanes_
      ABSL_GUARDED_BY(mutex_);  // that nobody uses; one a running thread at most
};

}  // namespace

std::unique_ptr<DevicePass> MakeGraphedPass(const torch::Device& device, int64_t max_batch,
                                            DevicePass::Forward forward) {
  return std::make_unique<GraphedPass>(device, max_batch, std::move(forward));
}

}  // namespace mae
