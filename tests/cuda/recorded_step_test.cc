#include "runtime/recorded_step.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/cuda/gpu.h"

namespace mae {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class RecordedStepOnGpu : public Gpu {
 protected:
  RecordedStep Make(RecordedStep::Step step) {
    return RecordedStep(
        device_, std::move(step), [this] { return StepGraph::Make(device_); },
        [this](const std::string& warning) { warnings_.push_back(warning); });
  }
  torch::Tensor Of(double value) const { return torch::full({64}, value, torch::TensorOptions(device_)); }
  std::vector<std::string> warnings_;
};

TEST_F(RecordedStepOnGpu, ReplaysCountEachInputOnceAndKeepTheirOutputsApart) {
  auto sum = torch::zeros({64}, torch::TensorOptions(device_));
  RecordedStep step = Make([&](const RecordedStep::Tensors& inputs) -> RecordedStep::Tensors {
    sum.add_(inputs[0]);
    return {sum * 2};
  });
  std::vector<torch::Tensor> outputs;
  for (int i = 1; i <= 10; ++i) outputs.push_back(step.Run({Of(i)})[0]);
  EXPECT_TRUE(step.replays());
  for (int i = 1; i <= 10; ++i) {
    EXPECT_EQ(outputs[static_cast<size_t>(i - 1)][63].item<float>(), static_cast<float>(i * (i + 1))) << i;
  }
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(RecordedStepOnGpu, ReadsInputsFromPageLockedMemory) {
  RecordedStep step =
      Make([](const RecordedStep::Tensors& inputs) -> RecordedStep::Tensors { return {inputs[0] + 1}; });
  for (int i = 0; i < 8; ++i) {
    const auto host = torch::full({1000}, static_cast<double>(i)).pin_memory();
    EXPECT_EQ(step.Run({host})[0].sum().item<float>(), 1000.0F * static_cast<float>(i + 1)) << i;
  }
  EXPECT_TRUE(step.replays());
}

TEST_F(RecordedStepOnGpu, WhatIsDrawnDependsOnTheSeedAlone) {
  RecordedStep step = Make([](const RecordedStep::Tensors& inputs) -> RecordedStep::Tensors {
    return {torch::empty_like(inputs[0]).bernoulli_(0.5)};
  });
  std::vector<torch::Tensor> drawn;
  for (int i = 0; i < 8; ++i) {
    torch::manual_seed(static_cast<uint64_t>(i % 2));
    drawn.push_back(step.Run({Of(0)})[0].cpu());
  }
  EXPECT_TRUE(step.replays());
  for (size_t i = 2; i < drawn.size(); ++i) EXPECT_TRUE(torch::equal(drawn[i], drawn[i - 2])) << i;
  EXPECT_FALSE(torch::equal(drawn[0], drawn[1]));
}

TEST_F(RecordedStepOnGpu, AStepThatWaitsForTheDeviceGoesOnPlainlyWithAWarning) {
  auto sum = torch::zeros({64}, torch::TensorOptions(device_));
  RecordedStep step = Make([&](const RecordedStep::Tensors& inputs) -> RecordedStep::Tensors {
    sum.add_(inputs[0]);
    return {torch::full_like(sum, sum[0].item<float>())};
  });
  torch::Tensor last;
  for (int i = 0; i < 8; ++i) last = step.Run({Of(1)})[0];
  EXPECT_FALSE(step.replays());
  EXPECT_EQ(last[0].item<float>(), 8.0F);
  EXPECT_THAT(warnings_, SizeIs(1));
}

}  // namespace
}  // namespace mae
