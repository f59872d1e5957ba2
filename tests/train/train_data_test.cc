#include "train/train_data.h"

#include <gtest/gtest.h>

#include <fstream>

#include "data/image_picture.h"
#include "tests/data/picture_files.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"
#include "tests/train/tiny_job.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(TrainData, HasBothSplitsAndTheLabels) {
  const TinyJob job;
  const auto data = LoadTrainData(job.Pretrain());
  ASSERT_THAT(data, IsOk());
  EXPECT_EQ(data->train.count, 72);
  EXPECT_EQ(data->validation.count, 20);
  EXPECT_GE(data->labels.size(), 4u);
}

TEST(TrainData, TakesTheFirstImagesWhereTheJobSaysSo) {
  const TinyJob job;
  JobOptions options = job.Pretrain();
  options.data.train_images = 10;
  options.data.validation_images = 5;
  const auto data = LoadTrainData(options);
  ASSERT_THAT(data, IsOk());
  EXPECT_EQ(data->train.count, 10);
  EXPECT_EQ(data->validation.count, 5);
}

TEST(TrainData, BothSplitsKeepDecodedImagesWhereTheJobSaysSo) {
  const TempFolder folder;
  for (const char* image : {"train/a/0.png", "val/a/0.png"}) WritePng(folder / image, 12, 12, {7});
  JobOptions options = TinyJob().Pretrain();
  options.data.path = folder.path().string();
  options.data.cache_decoded_mib = 1;
  const auto data = LoadTrainData(options);
  ASSERT_THAT(data, IsOk());
  for (const ImageSet* split : {&data->train, &data->validation})
    EXPECT_THAT(DecodedPictureOf(*split, 0), IsOk());
  for (const char* split : {"train", "val"}) std::filesystem::remove_all(folder / split);
  for (const ImageSet* split : {&data->train, &data->validation})
    EXPECT_THAT(DecodedPictureOf(*split, 0), IsOk());
}

TEST(TrainData, OfAnotherSizeThanTheModelIsRefused) {
  const TinyJob job;
  JobOptions options = job.Pretrain();
  std::get<PretrainOptions>(options.kind).model.encoder.image_height = 16;
  EXPECT_THAT(LoadTrainData(options),
              StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("12x12"), HasSubstr("16x12"))));
}

TEST(TrainData, OfAnotherSizeIsCutToTheModelsUnderARandomCrop) {
  const TinyJob job;
  JobOptions options = job.Pretrain();
  std::get<PretrainOptions>(options.kind).model.encoder.image_height = 16;
  options.augmentation.random_resized_crop.emplace();
  const auto data = LoadTrainData(options);
  ASSERT_THAT(data, IsOk());
  for (const auto& [images, loader_options] : {std::pair(&data->train, TrainLoaderOptions(options)),
                                               {&data->validation, ValidationLoaderOptions(options)}}) {
    Loader loader(*images, loader_options);
    loader.StartEpoch(0);
    EXPECT_EQ(loader.Next()->images.sizes(), (torch::IntArrayRef{16, 1, 16, 12}));
  }
}

TEST(TrainData, WithMoreClassesThanTheHeadIsRefused) {
  const TinyJob job;
  JobOptions options = job.Finetune();
  std::get<FinetuneOptions>(options.kind).model.num_classes = 3;
  EXPECT_THAT(LoadTrainData(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("num_classes"), HasSubstr("has 4 classes"), HasSubstr("has 3"))));
}

TEST(TrainData, WithoutOneWholeBatchIsRefusedUnderDropLast) {
  const TinyJob job;
  JobOptions options = job.Pretrain();
  options.data.drop_last = true;
  options.data.batch_size = 100;
  EXPECT_THAT(LoadTrainData(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("batch_size: 100"), HasSubstr("72"), HasSubstr("drop_last"))));
}

TEST(TrainData, ThatIsTruncatedIsRefusedWithTheFilesName) {
  const TinyJob job;
  std::filesystem::resize_file(job.root() / "data" / "train-images-idx3-ubyte", 1000);
  EXPECT_THAT(LoadTrainData(job.Pretrain()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("train-images-idx3-ubyte")));
}

TEST(TrainData, ValidationComesInOrderAndWhole) {
  JobOptions options;
  options.data.drop_last = options.augmentation.horizontal_flip = true;
  options.seed = 9;
  EXPECT_TRUE(TrainLoaderOptions(options).shuffle);
  EXPECT_TRUE(TrainLoaderOptions(options).drop_last);
  EXPECT_TRUE(TrainLoaderOptions(options).transform.training);
  EXPECT_TRUE(TrainLoaderOptions(options).transform.augmentation.horizontal_flip);
  EXPECT_EQ(TrainLoaderOptions(options).transform.seed, 9U);
  EXPECT_FALSE(ValidationLoaderOptions(options).shuffle);
  EXPECT_FALSE(ValidationLoaderOptions(options).drop_last);
  EXPECT_FALSE(ValidationLoaderOptions(options).transform.training);
}

}  // namespace
}  // namespace mae
