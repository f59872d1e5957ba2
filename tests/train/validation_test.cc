#include "train/validation.h"

#include <gtest/gtest.h>

#include "tests/fakes/lone_rank.h"
#include "tests/train/cpu_device.h"
#include "tests/train/puppet_task.h"

namespace mae {
namespace {

class ValidationTest : public testing::Test {
 protected:
  // 10 images of one pixel each, 0 to 9, of which 3 have label 1.
  ValidationTest() : images_{10, 1, 1, 1, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 1, 1, 0, 0, 0, 0, 0, 0, 0}} {
    options_.batch_size = 4;
    options_.shuffle = false;
    options_.mean = {0.0};
    options_.std_dev = {1.0 / 255.0};
  }

  std::optional<ValidationResult> Run(bool stop) {
    Loader loader(images_, options_);
    const std::atomic<bool> flag = stop;
    return RunValidation(task_, loader, Precision::kFp32, kCpu, flag, LoneRank());
  }

  ImageSet images_;
  LoaderOptions options_;
  PuppetTask task_{[](int64_t) { return 1.0; }};
};

TEST_F(ValidationTest, MeansCountASmallerLastBatchForWhatItHolds) {
  const auto result = Run(false);
  ASSERT_TRUE(result);
  EXPECT_NEAR(result->loss, 4.5, 1e-5);
  EXPECT_NEAR(result->accuracy.value(), 0.3, 1e-9);
}

TEST_F(ValidationTest, RunsInEvalMode) {
  task_.model().train();
  Run(false);
  EXPECT_FALSE(task_.model().is_training());
}

TEST_F(ValidationTest, GivesNothingWhenStopped) { EXPECT_FALSE(Run(true)); }

}  // namespace
}  // namespace mae
