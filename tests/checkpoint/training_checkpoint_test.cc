#include "checkpoint/training_checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(TrainingProgress, ComesBackFromJsonBitForBit) {
  TrainingProgress progress{123456789012, 7, 42, std::numeric_limits<uint64_t>::max(), 0.1 + 0.2, {}};
  progress.counters = {{"images", 1e15 + 1}, {"seconds", 1.0 / 3.0}, {"tiny", 5e-324}};
  EXPECT_THAT(ProgressFromJson(ProgressToJson(progress)), IsOkAndHolds(progress));
  EXPECT_THAT(ProgressFromJson(ProgressToJson({})), IsOkAndHolds(TrainingProgress{}));
}

TEST(TrainingProgress, NumbersThatAreNotFiniteComeBack) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  TrainingProgress progress;
  progress.best_metric = -kInfinity;
  progress.counters = {{"loss", std::nan("")}, {"limit", kInfinity}};
  const auto read = ProgressFromJson(ProgressToJson(progress));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->best_metric, -kInfinity);
  EXPECT_TRUE(std::isnan(read->counters.at("loss")));
  EXPECT_EQ(read->counters.at("limit"), kInfinity);
}

TEST(TrainingProgress, WrongJsonIsRefusedNamingTheKey) {
  EXPECT_THAT(ProgressFromJson("{"), StatusIs(kInvalid, HasSubstr("state.json")));
  EXPECT_THAT(ProgressFromJson("[]"), StatusIs(kInvalid));
  EXPECT_THAT(ProgressFromJson(R"({"step":1})"), StatusIs(kInvalid, HasSubstr("epoch")));
  for (const char* step : {"-1", "1.5", "\"1\"", "null", "9223372036854775808"}) {
    const auto text =
        absl::StrCat(R"({"epoch":0,"batch":0,"seed":0,"best_metric":null,"counters":{},"step":)", step, "}");
    EXPECT_THAT(ProgressFromJson(text), StatusIs(kInvalid, HasSubstr("step"))) << step;
  }
  const char* counter =
      R"({"step":1,"epoch":0,"batch":0,"seed":0,"best_metric":null,"counters":{"c":"many"}})";
  EXPECT_THAT(ProgressFromJson(counter), StatusIs(kInvalid));
}

TEST(TrainingCheckpoint, ACopySharesNoMemory) {
  TrainingCheckpoint live;
  live.model = {{"w", torch::ones({2, 3}).t()}};
  live.optimizer = {{"w.step", torch::ones({})}};
  live.progress.step = 3;
  const auto copy = CopyOf(live);
  ASSERT_THAT(copy, IsOk());
  live.model[0].second.fill_(9);
  live.optimizer[0].second.fill_(9);
  EXPECT_TRUE(torch::equal(copy->model[0].second, torch::ones({3, 2})));
  EXPECT_TRUE(copy->model[0].second.is_contiguous());
  EXPECT_TRUE(torch::equal(copy->optimizer[0].second, torch::ones({})));
  EXPECT_EQ(copy->progress, live.progress);
}

}  // namespace
}  // namespace mae
