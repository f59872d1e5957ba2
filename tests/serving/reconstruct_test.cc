#include <algorithm>
#include <cmath>
#include <set>

#include "serving/predictor.h"
#include "tests/fakes/random_model.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

/// Masks of every kind, several ratios in one call, and the ways back to pixels.
namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

// 4 x 6 patches of 4 x 4 pixels.
ModelConfig WideModel(bool norm_pix_loss = false) {
  auto config = TinyAutoencoder(1, norm_pix_loss);
  auto& encoder = std::get<MaskedAutoencoderOptions>(config.model).encoder;
  encoder.image_height = 16, encoder.image_width = 24;
  return config;
}

std::unique_ptr<Predictor> Load(const ModelConfig& config) {
  const TempFolder folder;
  WriteRandomModel(folder.path(), config);
  auto predictor = Predictor::Load(folder.path(), "cpu", InferencePrecision::kFp32);
  EXPECT_THAT(predictor, IsOk());
  return predictor.ok() ? *std::move(predictor) : nullptr;
}

std::vector<PredictorInput> Images(int count) {
  std::vector<PredictorInput> inputs;
  for (int salt = 0; salt < count; ++salt) {
    Picture picture{16, 24, 1, {}};
    for (int i = 0; i < 16 * 24; ++i)
      picture.pixels.push_back(static_cast<uint8_t>((i * 37 + i * i * 11 + salt * 71) % 256));
    inputs.push_back(picture);
  }
  return inputs;
}

int64_t HiddenIn(const std::vector<bool>& hidden) { return std::count(hidden.begin(), hidden.end(), true); }

// Value v of patch p of Images(1), as the model sees it.
double ValueAt(const Picture& picture, size_t p, size_t v) {
  return (picture.pixels[(p / 6 * 4 + v / 4) * 24 + p % 6 * 4 + v % 4] / 255.0 - 0.25) / 0.5;
}

std::vector<ReconstructionResult> MustReconstruct(const Predictor& predictor, int images,
                                                  const ReconstructOptions& options) {
  auto results = predictor.Reconstruct(Images(images), options);
  EXPECT_THAT(results, IsOk());
  return results.ok() ? *std::move(results) : std::vector<ReconstructionResult>(static_cast<size_t>(images));
}

TEST(Reconstruct, ABlockMaskHidesTheShareAskedForAnewForEachImageAndSeed) {
  const auto predictor = Load(WideModel());
  std::set<std::vector<bool>> masks;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    ReconstructOptions options;
    options.mask_kind = MaskKind::kBlock;
    options.mask_ratios = {0.5};
    options.seed = seed;
    const auto results = MustReconstruct(*predictor, 3, options);
    for (const auto& result : results) {
      EXPECT_EQ(HiddenIn(result.hidden), 12);
      masks.insert(result.hidden);
    }
    EXPECT_EQ(MustReconstruct(*predictor, 1, options)[0].hidden, results[0].hidden);
  }
  EXPECT_GT(masks.size(), 9U);
}

TEST(Reconstruct, AGridShowsOneOfFour) {
  ReconstructOptions options;
  options.mask_kind = MaskKind::kGrid;
  for (const auto& result : MustReconstruct(*Load(WideModel()), 2, options)) {
    for (size_t p = 0; p < 24; ++p) EXPECT_EQ(result.hidden[p], p / 6 % 2 == 1 || p % 2 == 1) << p;
  }
}

TEST(Reconstruct, WithNothingHiddenTheLossIsThatOfAllPatches) {
  ReconstructOptions options;
  options.mask_kind = MaskKind::kNone;
  const auto result = MustReconstruct(*Load(WideModel()), 1, options)[0];
  EXPECT_EQ(HiddenIn(result.hidden), 0);
  double error = 0;
  const auto picture = std::get<Picture>(Images(1)[0]);
  for (size_t p = 0; p < 24; ++p) {
    EXPECT_EQ(result.ids_restore[p], static_cast<int32_t>(p));
    for (size_t v = 0; v < 16; ++v)
      error += std::pow(result.prediction.values[p * 16 + v] - ValueAt(picture, p, v), 2) / (24 * 16);
  }
  EXPECT_NEAR(result.loss, error, 1e-5);
  EXPECT_EQ(result.masked.pixels, picture.pixels);
  EXPECT_NE(result.reconstruction.pixels, picture.pixels);
}

TEST(Reconstruct, SeveralRatiosAreTheAnswersOfOneEach) {
  const auto predictor = Load(WideModel());
  for (const auto kind : {MaskKind::kRandom, MaskKind::kBlock}) {
    ReconstructOptions options;
    options.mask_kind = kind;
    options.seed = 5;
    options.mask_ratios = {0.75, 0.25, 0.5};
    const auto together = MustReconstruct(*predictor, 2, options);
    ASSERT_EQ(together.size(), 6U);
    for (size_t r = 0; r < 3; ++r) {
      ReconstructOptions one = options;
      one.mask_ratios = {options.mask_ratios[r]};
      const auto alone = MustReconstruct(*predictor, 2, one);
      for (size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(together[i * 3 + r].image, static_cast<int64_t>(i));
        EXPECT_EQ(together[i * 3 + r].hidden, alone[i].hidden);
        EXPECT_EQ(together[i * 3 + r].prediction.values, alone[i].prediction.values);
        EXPECT_EQ(HiddenIn(alone[i].hidden), static_cast<int64_t>(24 * options.mask_ratios[r]));
      }
    }
  }
}

TEST(Reconstruct, AHigherRatioOfRandomMasksShowsSomeOfWhatALowerOneShows) {
  ReconstructOptions options;
  options.mask_ratios = {0.5, 0.75};
  const auto results = MustReconstruct(*Load(WideModel()), 1, options);
  for (size_t p = 0; p < 24; ++p) EXPECT_TRUE(results[1].hidden[p] || !results[0].hidden[p]);
}

TEST(Reconstruct, RatiosOfKindsThatHaveNoneAreRefused) {
  const auto predictor = Load(WideModel());
  for (const auto kind : {MaskKind::kGrid, MaskKind::kNone, MaskKind::kGiven}) {
    ReconstructOptions options;
    options.mask_kind = kind;
    options.hidden = std::vector<bool>(24);
    options.hidden[3] = true;
    EXPECT_THAT(predictor->Reconstruct(Images(1), options), IsOk());
    options.mask_ratios = {0.75};
    EXPECT_THAT(predictor->Reconstruct(Images(1), options),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("mask_ratio: ")));
  }
  ReconstructOptions options;
  options.mask_kind = MaskKind::kBlock;
  options.mask_ratios = {0.5, 1.5};
  EXPECT_THAT(predictor->Reconstruct(Images(1), options),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("mask_ratio: 1.5")));
}

TEST(Reconstruct, AGridOverOnePatchIsRefused) {
  auto config = WideModel();
  auto& encoder = std::get<MaskedAutoencoderOptions>(config.model).encoder;
  encoder.image_height = encoder.image_width = 4;
  ReconstructOptions options;
  options.mask_kind = MaskKind::kGrid;
  EXPECT_THAT(Load(config)->Reconstruct(Images(1), options),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("mask_kind: ")));
}

TEST(Reconstruct, VisiblePatchesSayWhatTheHiddenOnesMeanAndVarianceMayBe) {
  const auto predictor = Load(WideModel(/*norm_pix_loss=*/true));
  ReconstructOptions options;
  options.mask_ratios = {0.75};
  options.pixel_statistics = PixelStatistics::kVisiblePatches;
  const auto result = MustReconstruct(*predictor, 1, options)[0];
  EXPECT_EQ(result.pixel_statistics, PixelStatistics::kVisiblePatches);
  const auto picture = std::get<Picture>(Images(1)[0]);
  std::vector<double> means(24), variances(24);
  for (size_t p = 0; p < 24; ++p) {
    for (size_t v = 0; v < 16; ++v) means[p] += ValueAt(picture, p, v) / 16;
    for (size_t v = 0; v < 16; ++v) variances[p] += std::pow(ValueAt(picture, p, v) - means[p], 2) / 15;
  }
  for (size_t p = 0; p < 24; ++p) {
    double weights = 0, mean = 0, variance = 0;
    for (size_t other = 0; other < 24; ++other) {
      if (result.hidden[other] || (!result.hidden[p] && other != p)) continue;
      const double rows = static_cast<double>(p / 6) - static_cast<double>(other / 6);
      const double cols = static_cast<double>(p % 6) - static_cast<double>(other % 6);
      const double weight = other == p ? 1 : std::pow(std::hypot(rows, cols), -3);
      weights += weight, mean += weight * means[other], variance += weight * variances[other];
    }
    for (size_t v = 0; v < 16; ++v) {
      const double value =
          result.prediction.values[p * 16 + v] * std::sqrt(variance / weights) + mean / weights;
      ASSERT_NEAR(result.pixels.values[(p / 6 * 4 + v / 4) * 24 + p % 6 * 4 + v % 4],
                  std::clamp(value * 0.5 + 0.25, 0.0, 1.0), 1e-4);
    }
  }
  options.pixel_statistics = PixelStatistics::kTruePatch;
  EXPECT_NE(MustReconstruct(*predictor, 1, options)[0].pixels.values, result.pixels.values);
}

TEST(Reconstruct, AWayBackToPixelsThatDoesNotFitTheModelIsRefused) {
  const auto refused = StatusIs(StatusCode::kInvalidArgument, HasSubstr("pixel_statistics: "));
  ReconstructOptions options;
  options.pixel_statistics = PixelStatistics::kRaw;
  EXPECT_THAT(Load(WideModel(true))->Reconstruct(Images(1), options), refused);
  const auto raw = Load(WideModel(false));
  EXPECT_EQ(MustReconstruct(*raw, 1, options)[0].pixel_statistics, PixelStatistics::kRaw);
  for (const auto asked : {PixelStatistics::kTruePatch, PixelStatistics::kVisiblePatches}) {
    options.pixel_statistics = asked;
    EXPECT_THAT(raw->Reconstruct(Images(1), options), refused);
  }
}

}  // namespace
}  // namespace mae
