#include "runtime/side_stream.h"

#include <gtest/gtest.h>

namespace mae {
namespace {

std::vector<std::string> DevicesOfSideStreams() {
  std::vector<std::string> devices = {"cpu"};
  if (torch::cuda::is_available()) devices.emplace_back("cuda:0");
  return devices;
}

class SideStreamTest : public testing::TestWithParam<std::string> {
 protected:
  const torch::Device device_{GetParam()};
  SideStream side_{device_};
};

// Products long enough that a stream that did not wait would read what is not there yet.
TEST_P(SideStreamTest, WorkInTurnSeesWhatCameBeforeAndIsSeenByWhatComesAfter) {
  auto x = torch::eye(1024, torch::TensorOptions(device_));
  const auto twice = 2 * torch::eye(1024, torch::TensorOptions(device_));
  torch::Tensor y;
  for (int i = 0; i < 5; ++i) x = x.mm(twice);
  side_.RunInTurn([&] {
    y = x.mm(twice);
    for (int i = 0; i < 4; ++i) y = y.mm(twice);
  });
  EXPECT_EQ(y.mm(twice)[7][7].item<float>(), 2048.0F);
}

TEST_P(SideStreamTest, WorkAheadIsSeenByWhatComesAfter) {
  for (int i = 0; i < 20; ++i) {
    const auto results = side_.RunAhead([&]() -> std::vector<torch::Tensor> {
      auto x = torch::full({256, 256}, static_cast<double>(i), torch::TensorOptions(device_));
      return {x + 1, torch::Tensor()};
    });
    EXPECT_FALSE(results[1].defined());
    EXPECT_EQ((results[0] * 2).sum().item<double>(), 2.0 * (i + 1) * 256 * 256);
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, SideStreamTest, testing::ValuesIn(DevicesOfSideStreams()));

}  // namespace
}  // namespace mae
