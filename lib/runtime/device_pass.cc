#include "runtime/device_pass.h"

#include <utility>

#include "runtime/graphed_pass.h"

namespace mae {
namespace {

class PlainPass : public DevicePass {
 public:
  PlainPass(const torch::Device& device, Forward forward) : device_(device), forward_(std::move(forward)) {}

  torch::Tensor Run(const torch::Tensor& images) override {
    return forward_(images.to(device_)).to(torch::kCPU, torch::kFloat32).contiguous();
  }

 private:
  const torch::Device device_;
  const Forward forward_;
};

}  // namespace

std::unique_ptr<DevicePass> DevicePass::Make(const torch::Device& device, int64_t max_batch,
                                             Forward forward) {
  if (device.is_cuda()) return MakeGraphedPass(device, max_batch, std::move(forward));
  return std::make_unique<PlainPass>(device, std::move(forward));
}

}  // namespace mae
