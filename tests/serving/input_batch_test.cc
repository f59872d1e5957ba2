#include "serving/input_batch.h"

#include <limits>

#include "data/batch.h"
#include "tests/fakes/random_model.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::Each;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;
using testing::SizeIs;

Picture Flat(int64_t height, int64_t width, const std::vector<uint8_t>& pixel) {
  Picture picture{height, width, static_cast<int64_t>(pixel.size()), {}};
  for (int64_t i = 0; i < height * width; ++i) {
    picture.pixels.insert(picture.pixels.end(), pixel.begin(), pixel.end());
  }
  return picture;
}

// The tiny models have mean 0.25 and std 0.5.
float Normalized(double byte) { return static_cast<float>((byte / 255 - 0.25) / 0.5); }

TEST(NormalizedBatch, PutsPixelsInPlanesOverMeanAndStd) {
  auto config = TinyAutoencoder(3);
  config.mean = {0.0, 0.5, 1.0};
  config.std_dev = {1.0, 0.5, 0.25};
  auto picture = Flat(8, 12, {51, 102, 153});
  picture.pixels[3 * 13 + 1] = 255;  // second row, second column, green
  const auto batch = NormalizedBatch({picture}, config);
  ASSERT_THAT(batch, IsOk());
  ASSERT_EQ(batch->size(), 3U * 96);
  EXPECT_FLOAT_EQ((*batch)[0], 0.2F);
  EXPECT_FLOAT_EQ((*batch)[96], (0.4F - 0.5F) / 0.5F);
  EXPECT_FLOAT_EQ((*batch)[96 + 13], 1.0F);
  EXPECT_FLOAT_EQ((*batch)[192 + 13], (0.6F - 1.0F) / 0.25F);
}

TEST(NormalizedBatch, PicturesOfAnySizeBecomeTheModels) {
  for (const auto& [height, width] : {std::pair{1, 1}, {3, 50}, {200, 100}}) {
    const auto batch = NormalizedBatch({Flat(height, width, {100})}, TinyAutoencoder());
    ASSERT_THAT(batch, IsOkAndHolds(SizeIs(96)));
    EXPECT_THAT(*batch, Each(FloatNear(Normalized(100), 1e-5)));
  }
}

TEST(NormalizedBatch, PicturesAreBroughtToTheModelsSizeAsEvaluationBringsThem) {
  const auto config = TinyAutoencoder(3);
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{40, 90}, {50, 13}, {5, 4}}) {
    Picture picture{height, width, 3, {}};
    for (int64_t i = 0; i < 3 * height * width; ++i)
      picture.pixels.push_back(static_cast<uint8_t>(i * i / 9));
    ImageSet set{1, 3, height, width, {}, {0}};
    for (size_t c = 0; c < 3; ++c)
      for (size_t i = c; i < picture.pixels.size(); i += 3) set.pixels.push_back(picture.pixels[i]);
    ImageTransformOptions evaluation;
    evaluation.height = 8;
    evaluation.width = 12;
    const auto images = BatchMaker(set, config.mean, config.std_dev, evaluation).Make({0}, 0).images;
    const auto* expected = images.data_ptr<float>();
    EXPECT_THAT(NormalizedBatch({picture}, config),
                IsOkAndHolds(Pointwise(FloatNear(1e-5), std::vector<float>(expected, expected + 288))));
  }
}

TEST(NormalizedBatch, ColoursBecomeGreyByLuma) {
  const auto batch = NormalizedBatch({Flat(8, 12, {255, 0, 0})}, TinyAutoencoder(1));
  ASSERT_THAT(batch, IsOk());
  EXPECT_NEAR(batch->front(), Normalized(76), 0.01);
}

TEST(NormalizedBatch, GreyBecomesThreeEqualChannels) {
  EXPECT_THAT(NormalizedBatch({Flat(8, 12, {100})}, TinyAutoencoder(3)),
              IsOkAndHolds(AllOf(SizeIs(288), Each(FloatNear(Normalized(100), 1e-5)))));
}

TEST(NormalizedBatch, TransparencyShowsWhite) {
  EXPECT_THAT(NormalizedBatch({Flat(8, 12, {0, 0, 0, 0})}, TinyAutoencoder(3)),
              IsOkAndHolds(Each(FloatNear(Normalized(255), 1e-5))));
}

TEST(NormalizedBatch, KeepsTheOrderOfMixedInputs) {
  const FloatTensor tensor{{1, 8, 12}, std::vector<float>(96, 7.0F)};
  const auto batch = NormalizedBatch({Flat(8, 12, {0}), tensor, Flat(8, 12, {255})}, TinyAutoencoder());
  ASSERT_THAT(batch, IsOkAndHolds(SizeIs(3 * 96)));
  EXPECT_FLOAT_EQ((*batch)[0], Normalized(0));
  EXPECT_FLOAT_EQ((*batch)[96], 7.0F);
  EXPECT_FLOAT_EQ((*batch)[192], Normalized(255));
}

TEST(NormalizedBatch, RefusesTensorsOfAnotherShape) {
  const FloatTensor square{{1, 8, 8}, std::vector<float>(64)};
  EXPECT_THAT(NormalizedBatch({Flat(8, 12, {0}), square}, TinyAutoencoder()),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("images[1]: "), HasSubstr("[1, 8, 12]"), HasSubstr("[1, 8, 8]"))));
  const FloatTensor short_one{{1, 8, 12}, std::vector<float>(95)};
  EXPECT_THAT(NormalizedBatch({short_one}, TinyAutoencoder()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("has 95 values; its shape needs 96")));
}

TEST(NormalizedBatch, RefusesNanAndInfinity) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    FloatTensor tensor{{1, 8, 12}, std::vector<float>(96)};
    tensor.values[17] = bad;
    EXPECT_THAT(NormalizedBatch({tensor}, TinyAutoencoder()),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("images[0]: value 17 is ")));
  }
}

TEST(NormalizedBatch, RefusesPicturesThatAreNotWhole) {
  const auto config = TinyAutoencoder();
  const Picture cases[] = {
      {2, 2, 1, {1, 2, 3}}, {0, 2, 1, {}}, {-1, -1, 1, {1}}, {2, 1, 2, {1, 2, 3, 4}}, {}};
  for (const auto& picture : cases) {
    EXPECT_THAT(NormalizedBatch({picture}, config),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("images[0]: ")));
  }
}

TEST(NormalizedBatch, AModelOfOtherChannelsTakesTensorsOnly) {
  const auto config = TinyAutoencoder(5);
  EXPECT_THAT(NormalizedBatch({Flat(8, 12, {1, 2, 3})}, config),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("model's 5 channels")));
  EXPECT_THAT(NormalizedBatch({FloatTensor{{5, 8, 12}, std::vector<float>(480)}}, config), IsOk());
}

TEST(NormalizedBatch, RefusesNoInputs) {
  EXPECT_THAT(NormalizedBatch({}, TinyAutoencoder()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("images: ")));
}

}  // namespace
}  // namespace mae
