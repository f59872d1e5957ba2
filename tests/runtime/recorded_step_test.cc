#include "runtime/recorded_step.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mae {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const torch::Device kHost(torch::kCPU);

// A running sum: what a step changes in place.
class RecordedStepTest : public testing::Test {
 protected:
  // Recording runs nothing, replaying runs what was recorded: here the work itself, again.
  class FakeGraph : public StepGraph {
   public:
    explicit FakeGraph(RecordedStepTest& test) : test_(test) {}
    void Record(const std::function<void()>& work) override {
      const double before = test_.sum_.item<double>();
      const auto steps = test_.plain_;
      work();
      test_.plain_ = steps;
      test_.sum_.fill_(before);
      TORCH_CHECK(!test_.recording_fails_, "operation not permitted when stream is capturing");
      work_ = work;
      ++test_.recordings_;
    }
    void Replay() override {
      const auto steps = test_.plain_;
      work_();
      test_.plain_ = steps;
      ++test_.replays_;
    }

   private:
    RecordedStepTest& test_;
    std::function<void()> work_;
  };

  RecordedStep Make(bool records = true) {
    auto step = [this](const RecordedStep::Tensors& inputs) -> RecordedStep::Tensors {
      ++plain_;
      sum_ += inputs[0].sum();
      return {sum_.clone(), inputs[1].defined() ? inputs[1].sum() : torch::Tensor()};
    };
    RecordedStep::MakeGraph graph;
    if (records) graph = [this] { return std::make_unique<FakeGraph>(*this); };
    return RecordedStep(kHost, step, graph, [this](const std::string& text) { warnings_.push_back(text); });
  }

  torch::Tensor sum_ = torch::zeros({}, torch::kFloat64);
  int plain_ = 0, recordings_ = 0, replays_ = 0;
  bool recording_fails_ = false;
  std::vector<std::string> warnings_;
};

torch::Tensor Of(double value, int64_t size = 2) { return torch::full({size}, value, torch::kFloat64); }

TEST_F(RecordedStepTest, ReplaysFromTheFourthOfEqualShapesOnWithTheInputsOfEachCall) {
  RecordedStep step = Make();
  std::vector<double> sums;
  for (int i = 1; i <= 6; ++i) {
    sums.push_back(step.Run({Of(i), {}})[0].item<double>());
    EXPECT_EQ(step.replays(), i > RecordedStep::kPlainSteps) << i;
  }
  EXPECT_THAT(sums, ElementsAre(2, 6, 12, 20, 30, 42)) << "each input counts once, recorded or not";
  EXPECT_EQ(recordings_, 1);
  EXPECT_EQ(replays_, 3);
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(RecordedStepTest, AnOddShapeIsSteppedWithPlainlyAndTheRecordingStays) {
  RecordedStep step = Make();
  for (int i = 0; i < 5; ++i) step.Run({Of(1), {}});
  EXPECT_EQ(step.Run({Of(1, 1), {}})[0].item<double>(), 11);
  EXPECT_FALSE(step.replays());
  EXPECT_EQ(step.Run({Of(1), {}})[0].item<double>(), 13);
  EXPECT_TRUE(step.replays());
  EXPECT_EQ(recordings_, 1);
}

TEST_F(RecordedStepTest, AnInputThatIsThereOrNotIsAnotherShape) {
  RecordedStep step = Make();
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(step.Run({Of(1), {}})[1].defined());
  EXPECT_EQ(step.Run({Of(1), Of(3)})[1].item<double>(), 6);
  EXPECT_FALSE(step.replays());
}

TEST_F(RecordedStepTest, AnotherShapeThatStaysIsRecordedInstead) {
  RecordedStep step = Make();
  for (int i = 0; i < 5; ++i) step.Run({Of(1), {}});
  for (int i = 0; i < 5; ++i) step.Run({Of(1, 3), {}});
  EXPECT_TRUE(step.replays());
  EXPECT_EQ(recordings_, 2);
  EXPECT_EQ(sum_.item<double>(), 5 * 2 + 5 * 3);
}

TEST_F(RecordedStepTest, GoesOnPlainlyWithOneWarningWhereRecordingFails) {
  recording_fails_ = true;
  RecordedStep step = Make();
  for (int i = 0; i < 8; ++i) step.Run({Of(1), {}});
  EXPECT_EQ(sum_.item<double>(), 16) << "no step is lost or done twice";
  EXPECT_FALSE(step.replays());
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("not permitted when stream is capturing")));
}

TEST_F(RecordedStepTest, RecordsNothingWithoutAGraph) {
  RecordedStep step = Make(/*records=*/false);
  for (int i = 0; i < 8; ++i) step.Run({Of(1), {}});
  EXPECT_EQ(sum_.item<double>(), 16);
  EXPECT_EQ(plain_, 8);
  EXPECT_FALSE(step.replays());
}

TEST(StepGraph, WithoutAGpuNothingIsRecordedAndAWarningSaysSo) {
  if (torch::cuda::is_available()) GTEST_SKIP() << "there is a GPU";
  RecordedStep::Tensors done;
  std::vector<std::string> warnings;
  RecordedStep step(
      kHost, [](const RecordedStep::Tensors& inputs) { return inputs; },
      [] { return StepGraph::Make(torch::Device(torch::kCUDA, 0)); },
      [&](const std::string& text) { warnings.push_back(text); });
  for (int i = 0; i < 5; ++i) done = step.Run({Of(i)});
  EXPECT_EQ(done[0][0].item<double>(), 4);
  EXPECT_EQ(warnings.size(), 1U);
}

}  // namespace
}  // namespace mae
