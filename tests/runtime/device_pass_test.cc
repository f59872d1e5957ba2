#include "runtime/device_pass.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace mae {
namespace {

// On every device of this machine: a GPU records and replays, and the numbers must not tell.
std::vector<std::string> Devices() {
  std::vector<std::string> devices = {"cpu"};
  if (torch::cuda::is_available()) devices.emplace_back("cuda:0");
  return devices;
}

class DevicePassTest : public testing::TestWithParam<std::string> {
 protected:
  const torch::Device device_{GetParam()};
  const torch::Tensor weight_ = torch::arange(12, torch::kFloat32).view({3, 4}).to(device_);
  const std::unique_ptr<DevicePass> pass_ = DevicePass::Make(
      device_, 8, [this](const torch::Tensor& images) { return images.matmul(weight_).to(torch::kDouble); });
};

TEST_P(DevicePassTest, GivesEachImageItsRowAtEverySizeAgainAndAgain) {
  const c10::InferenceMode inference;
  for (const int64_t size : {1, 3, 8, 3, 20, 1}) {
    const auto images = torch::randn({size, 3});
    const auto rows = pass_->Run(images);
    EXPECT_TRUE(rows.is_cpu());
    EXPECT_EQ(rows.scalar_type(), torch::kFloat32);
    EXPECT_TRUE(torch::allclose(rows, images.matmul(weight_.cpu()), 1e-5, 1e-5)) << size;
  }
}

TEST_P(DevicePassTest, PassesSideBySideDoNotMix) {
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const c10::InferenceMode inference;
      for (int64_t i = 0; i < 50; ++i) {
        const auto images = torch::full({1 + i % 5, 3}, static_cast<float>(t * 100 + i));
        right += torch::allclose(pass_->Run(images), images.matmul(weight_.cpu())) ? 1 : 0;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 4 * 50);
}

INSTANTIATE_TEST_SUITE_P(Devices, DevicePassTest, testing::ValuesIn(Devices()));

}  // namespace
}  // namespace mae
