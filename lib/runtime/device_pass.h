#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>

namespace mae {

/// Forward passes on a device, from host memory to host memory. On a GPU passes run side by side, each on a
/// stream of its own, with page-locked memory between host and device, and the launches of a batch size
/// (rounded up to a power of two) are recorded once as a CUDA graph and replayed: small models are bound by
/// launches. Elsewhere it is a plain call. A GPU keeps the memory of a pass
/// for each stream and size that was used. Thread-safe.
class DevicePass {
 public:
  /// Images [B, …] on the device to rows [B, …] there. Must do the same for every batch of a size: no branch
  /// on values, no wait for the device. Called from several threads.
  using Forward = std::function<torch::Tensor(const torch::Tensor& images)>;

  /// @param max_batch the most images that Run will be given at once for a recorded pass; larger ones are not
  /// recorded.
  static std::unique_ptr<DevicePass> Make(const torch::Device& device, int64_t max_batch, Forward forward);
  virtual ~DevicePass() = default;

  /// Blocks. Errors of LibTorch are thrown as c10::Error.
  /// @param images [B, …] float32 on the CPU, B at least 1, the same sizes beside B in every call.
  /// @return rows [B, …] float32 on the CPU.
  virtual torch::Tensor Run(const torch::Tensor& images) = 0;
};

}  // namespace mae
