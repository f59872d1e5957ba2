#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace mae {

/// Tests of what only a GPU does: skipped, and said so, where there is none.
class Gpu : public testing::Test {
 protected:
  void SetUp() override {
    if (!torch::cuda::is_available()) GTEST_SKIP() << "there is no GPU here, or this is a build without CUDA";
  }
  const torch::Device device_{torch::kCUDA, 0};
};

}  // namespace mae
