#include "runtime/graphed_pass.h"

namespace mae {

std::unique_ptr<DevicePass> MakeGraphedPass(const torch::Device& device, int64_t, DevicePass::Forward) {
  TORCH_CHECK(false, "this program was built without CUDA and can't run on ", device);
}

}  // namespace mae
