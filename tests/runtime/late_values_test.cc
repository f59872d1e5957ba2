#include "runtime/late_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace mae {
namespace {

using testing::IsEmpty;

// On every device of this machine.
std::vector<std::string> DevicesOfLateValues() {
  std::vector<std::string> devices = {"cpu"};
  if (torch::cuda::is_available()) devices.emplace_back("cuda:0");
  return devices;
}

class LateValuesTest : public testing::TestWithParam<std::string> {
 protected:
  torch::Tensor Number(double value) const {
    return torch::full({}, value, torch::TensorOptions(torch::Device(GetParam())));
  }
};

TEST_P(LateValuesTest, GivesEveryNumberOnceInTheOrderItWasAskedFor) {
  LateValues late(2);
  std::vector<LateValues::Value> got;
  const auto keep = [&](const std::vector<LateValues::Value>& values) {
    got.insert(got.end(), values.begin(), values.end());
  };
  for (int64_t step = 0; step < 10; ++step) {
    late.Ask(step, Number(static_cast<double>(10 * step)));
    keep(late.Due());
    EXPECT_EQ(got.size(), static_cast<size_t>(std::max<int64_t>(0, step + 1 - 2))) << "two are on their way";
  }
  keep(late.All());
  ASSERT_EQ(got.size(), 10U);
  for (int64_t step = 0; step < 10; ++step) {
    EXPECT_EQ(got[static_cast<size_t>(step)].step, step);
    EXPECT_EQ(got[static_cast<size_t>(step)].value, static_cast<float>(10 * step));
  }
  EXPECT_THAT(late.All(), IsEmpty());
}

TEST_P(LateValuesTest, ANumberThatIsOverwrittenAfterwardsWasRead) {
  LateValues late(5);
  auto number = Number(1);
  late.Ask(0, number);
  number.fill_(2);
  late.Ask(1, number);
  const auto got = late.All();
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].value, 1);
  EXPECT_EQ(got[1].value, 2);
}

INSTANTIATE_TEST_SUITE_P(Devices, LateValuesTest, testing::ValuesIn(DevicesOfLateValues()));

}  // namespace
}  // namespace mae
