#include "train/pretrain_task.h"

#include <gtest/gtest.h>

#include "models/reconstruction_loss.h"
#include "nn/patch_embed.h"
#include "tests/fakes/status_matchers.h"
#include "tests/train/tiny_job.h"
#include "train/mask_noise.h"

namespace mae {
namespace {

class PretrainTaskTest : public testing::Test {
 protected:
  static Batch RandomBatch(int64_t count) {
    torch::manual_seed(5);
    Batch batch{torch::randn({count, 1, 12, 12}), torch::zeros({count}, torch::kInt64), {}};
    for (int64_t i = 0; i < count; ++i) batch.indices.push_back(10 + i);
    return batch;
  }

  PretrainTask Task(JobOptions options) const {
    return {options, {"a", "b", "c", "d"}, torch::Device(torch::kCPU)};
  }

  TinyJob job_;
};

TEST_F(PretrainTaskTest, InitialWeightsAreAFunctionOfTheSeed) {
  JobOptions options = job_.Pretrain();
  auto first = Task(options), same = Task(options);
  options.seed += 1;
  auto other = Task(options);
  const auto weight = [](PretrainTask& task) { return task.model().parameters().front(); };
  EXPECT_TRUE(torch::equal(weight(first), weight(same)));
  EXPECT_FALSE(torch::equal(weight(first), weight(other)));
}

TEST_F(PretrainTaskTest, TrainingMasksMoveWithTheEpochAndValidationMasksStay) {
  auto task = Task(job_.Pretrain());
  const Batch batch = RandomBatch(4);
  const auto loss_in = [&](int64_t epoch) { return task.Train(task.Prepare(batch, epoch), epoch).loss; };
  EXPECT_TRUE(torch::equal(loss_in(0), loss_in(0)));
  EXPECT_FALSE(torch::equal(loss_in(0), loss_in(1)));
  EXPECT_TRUE(torch::equal(task.Validate(batch).loss, task.Validate(batch).loss));
}

TEST_F(PretrainTaskTest, LossIsTheModelsOverTheCountedMask) {
  const JobOptions options = job_.Pretrain();
  auto task = Task(options);
  const Batch batch = RandomBatch(4);
  auto& model = dynamic_cast<MaskedAutoencoderImpl&>(task.model());
  const auto mask = MaskFromNoise(TrainMaskNoise(options.seed, 3, batch.indices, 9), 0.5);
  EXPECT_TRUE(torch::allclose(task.Train(task.Prepare(batch, 3), 3).loss,
                              model.forward(batch.images, mask).loss, 1e-5));
}

TEST_F(PretrainTaskTest, PictureHasARowAnImageAndThreeColumns) {
  const torch::NoGradGuard no_grad;
  auto task = Task(job_.Pretrain());
  const auto one = task.Draw(RandomBatch(1)), three = task.Draw(RandomBatch(3));
  ASSERT_THAT(one, IsOk());
  ASSERT_THAT(three, IsOk());
  EXPECT_EQ(one->width, three->width);
  EXPECT_GT(one->width, 3 * 12 * 8);
  EXPECT_GT(three->height - one->height, 2 * 12 * 8);
}

TEST_F(PretrainTaskTest, PictureOfANormPixModelDiffersByItsPixelStatistics) {
  const torch::NoGradGuard no_grad;
  JobOptions options = job_.Pretrain();
  auto raw = Task(options);
  std::get<PretrainOptions>(options.kind).model.norm_pix_loss = true;
  auto normed = Task(options);
  // The same weights predict the same values; only what they mean as pixels differs.
  const auto raw_picture = raw.Draw(RandomBatch(1)), normed_picture = normed.Draw(RandomBatch(1));
  ASSERT_THAT(raw_picture, IsOk());
  ASSERT_THAT(normed_picture, IsOk());
  EXPECT_NE(raw_picture->pixels, normed_picture->pixels);
}

TEST_F(PretrainTaskTest, ConfigKeepsWhatServingNeeds) {
  const JobOptions options = job_.Pretrain();
  const ModelConfig config = Task(options).config();
  EXPECT_EQ(std::get<MaskedAutoencoderOptions>(config.model), std::get<PretrainOptions>(options.kind).model);
  EXPECT_EQ(config.mean, options.data.mean);
  EXPECT_EQ(config.std_dev, options.data.std_dev);
  EXPECT_EQ(config.labels, (std::vector<std::string>{"a", "b", "c", "d"}));
}

}  // namespace
}  // namespace mae
