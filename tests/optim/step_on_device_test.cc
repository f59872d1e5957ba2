#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "optim/adamw.h"
#include "optim/ema.h"

namespace mae {
namespace {

// On every device of this machine.
std::vector<std::string> DevicesThatStep() {
  std::vector<std::string> devices = {"cpu"};
  if (torch::cuda::is_available()) devices.emplace_back("cuda:0");
  return devices;
}

struct TwoWeights : torch::nn::Module {
  explicit TwoWeights(const torch::Device& device) {
    plain = register_parameter("plain", torch::linspace(-1, 1, 1003));
    matrix = register_parameter("matrix", torch::linspace(-2, 2, 60).view({6, 10}));
    to(device);
  }
  void SetGradients(double scale) {
    plain.mutable_grad() = torch::linspace(3, -1, 1003, plain.options()).detach() * scale;
    matrix.mutable_grad() = torch::linspace(-1, 5, 60, plain.options()).detach().view({6, 10}) * scale;
  }
  torch::Tensor plain, matrix;
};

class StepOnDevice : public testing::TestWithParam<std::string> {
 protected:
  std::vector<ParamGroup> Groups(TwoWeights& weights) {
    return {{{{"plain", weights.plain}}, 0.0, 0.5}, {{{"matrix", weights.matrix}}, 0.05, 1.0}};
  }
  torch::Tensor Scalar(double value) const {
    return torch::full({}, value, torch::TensorOptions(device_).dtype(torch::kFloat32));
  }
  const torch::Device device_{GetParam()};
};

TEST_P(StepOnDevice, IsTheStepWithTheNumbersOfTheHost) {
  TwoWeights one(device_), other(device_);
  const OptimizerOptions options;
  AdamW host(Groups(one), options), device(Groups(other), options);
  ASSERT_TRUE(device.steps_on_device());
  for (int i = 1; i <= 8; ++i) {
    one.SetGradients(std::sin(i));
    other.SetGradients(std::sin(i));
    host.Step(0.01 * i);
    device.StepOnDevice(Scalar(0.01 * i), Scalar(0));
  }
  EXPECT_TRUE(torch::allclose(one.plain, other.plain, 1e-6, 1e-7));
  EXPECT_TRUE(torch::allclose(one.matrix, other.matrix, 1e-6, 1e-7));
  const auto expected = host.State(), state = device.State();
  ASSERT_EQ(state.size(), expected.size());
  for (size_t i = 0; i < state.size(); ++i)
    EXPECT_TRUE(torch::allclose(state[i].second, expected[i].second, 1e-6, 1e-7)) << state[i].first;
}

TEST_P(StepOnDevice, ASkippedOneChangesNothingWhateverTheGradientsAre) {
  TwoWeights weights(device_);
  AdamW adamw(Groups(weights), OptimizerOptions());
  Ema ema(weights, 0.9);
  adamw.SetEma(&ema);
  weights.SetGradients(1);
  adamw.StepOnDevice(Scalar(0.1), Scalar(0));
  std::vector<torch::Tensor> before;
  const auto all = [&] {
    std::vector<torch::Tensor> tensors = {weights.plain, weights.matrix};
    for (const auto& [name, tensor] : ema.State()) tensors.push_back(tensor);
    adamw.ZeroGrad();
    for (const auto& [name, tensor] : adamw.State()) tensors.push_back(tensor);
    return tensors;
  };
  for (const auto& tensor : all()) before.push_back(tensor.detach().clone());
  weights.SetGradients(std::nan(""));
  adamw.StepOnDevice(Scalar(0.1), Scalar(1));
  const auto after = all();
  ASSERT_EQ(after.size(), before.size());
  for (size_t i = 0; i < after.size(); ++i) EXPECT_TRUE(torch::equal(after[i], before[i])) << i;
}

TEST_P(StepOnDevice, TheAverageIsThatOfTheHost) {
  TwoWeights weights(device_);
  Ema host(weights, 0.9), device(weights, 0.9);
  for (int i = 0; i < 3; ++i) {
    const torch::NoGradGuard no_grad;
    weights.plain.add_(1.0);
    host.Update();
    device.UpdateUnless(Scalar(0));
  }
  EXPECT_TRUE(torch::allclose(host.State()[0].second, device.State()[0].second, 1e-6, 1e-7));
  EXPECT_FALSE(torch::allclose(host.State()[0].second, weights.plain)) << "nothing was averaged";
}

INSTANTIATE_TEST_SUITE_P(Devices, StepOnDevice, testing::ValuesIn(DevicesThatStep()));

}  // namespace
}  // namespace mae
