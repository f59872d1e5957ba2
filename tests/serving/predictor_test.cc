#include "serving/predictor.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <fstream>
#include <limits>
#include <set>

#include "base/joined_thread.h"
#include "checkpoint/safetensors.h"
#include "kernels/cpu_features.h"
#include "tests/fakes/random_model.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;

std::unique_ptr<Predictor> LoadTiny(const ModelConfig& config) {
  const TempFolder folder;
  WriteRandomModel(folder.path(), config);
  auto predictor = Predictor::Load(folder.path(), "cpu", InferencePrecision::kFp32);
  EXPECT_THAT(predictor, IsOk());
  return predictor.ok() ? *std::move(predictor) : nullptr;
}

// The tiny classifier, wide enough for bfloat16.
ModelConfig WideClassifier() {
  auto config = TinyClassifier();
  auto& model = std::get<VisionTransformerOptions>(config.model);
  model.encoder.embed_dim = 64;
  model.encoder.num_heads = 2;
  model.encoder.depth = 3;
  model.encoder.patch_size = 2;  // 24 patches
  return config;
}

// A picture of the tiny models' size that differs from place to place and by `salt`.
Picture Pattern(int64_t channels, int salt) {
  Picture picture{8, 12, channels, {}};
  for (int64_t i = 0; i < 96 * channels; ++i) {
    picture.pixels.push_back(static_cast<uint8_t>((i * 37 + i * i * 11 + salt * 71) % 256));
  }
  return picture;
}

std::vector<PredictorInput> Patterns(int count) {
  std::vector<PredictorInput> inputs;
  for (int i = 0; i < count; ++i) inputs.push_back(Pattern(1, i));
  return inputs;
}

int64_t CountHidden(const std::vector<bool>& hidden) {
  return std::count(hidden.begin(), hidden.end(), true);
}

TEST(Predictor, InBfloat16AnswersAreNearThoseOfFloat32AndTheSameInAnyBatch) {
  if (!HasAvx512Bf16()) GTEST_SKIP() << "no AVX-512 bfloat16 on this processor";
  const TempFolder folder;
  WriteRandomModel(folder.path(), WideClassifier());
  const auto exact = Predictor::Load(folder.path(), "cpu", InferencePrecision::kFp32);
  const auto quick = Predictor::Load(folder.path(), "cpu", InferencePrecision::kAuto);
  ASSERT_THAT(exact, IsOk());
  ASSERT_THAT(quick, IsOk());
  const auto wanted = (*exact)->Classify(Patterns(5)), logits = (*quick)->Classify(Patterns(5));
  ASSERT_THAT(wanted, IsOk());
  ASSERT_THAT(logits, IsOk());
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_THAT((*logits)[i], testing::Pointwise(testing::FloatNear(0.02F), (*wanted)[i]));
    EXPECT_NE((*logits)[i], (*wanted)[i]) << "computed in float32";
    const auto alone = (*quick)->Classify({Pattern(1, static_cast<int>(i))});
    ASSERT_THAT(alone, IsOk());
    EXPECT_EQ((*alone)[0], (*logits)[i]);
  }
}

TEST(Predictor, ARandomMaskDependsOnSeedAndPlaceAlone) {
  const auto predictor = LoadTiny(TinyAutoencoder());
  std::vector<std::vector<bool>> masks[2];
  for (int i = 0; i < 2; ++i) {
    for (uint64_t seed = 0; seed < 8; ++seed) {
      ReconstructOptions options;
      options.seed = seed;
      // Another batch, the same masks.
      const auto results = predictor->Reconstruct(
          i == 0 ? Patterns(4) : std::vector<PredictorInput>(4, Pattern(1, 9)), options);
      ASSERT_THAT(results, IsOk());
      for (const auto& result : *results) masks[i].push_back(result.hidden);
    }
  }
  EXPECT_EQ(masks[0], masks[1]);
  const std::set<std::vector<bool>> different(masks[0].begin(), masks[0].end());
  EXPECT_GT(different.size(), 8U);  // of 20 possible ones in 32 draws
}

TEST(Predictor, HidesTheShareAskedForOrElseTheModelsOwn) {
  const auto predictor = LoadTiny(TinyAutoencoder());
  for (const auto& [ratio, hidden] : {std::pair{0.2, 2}, {0.5, 3}, {0.8, 5}}) {
    ReconstructOptions options;
    options.mask_ratios = {ratio};
    EXPECT_EQ(CountHidden((*predictor->Reconstruct(Patterns(1), options))[0].hidden), hidden);
  }
  EXPECT_EQ(CountHidden((*predictor->Reconstruct(Patterns(1), {}))[0].hidden), 3);
}

TEST(Predictor, IdsRestoreSaysWhichPatchesWereVisible) {
  const auto predictor = LoadTiny(TinyAutoencoder());
  ReconstructOptions given;
  given.mask_kind = MaskKind::kGiven;
  given.hidden = {true, false, false, true, true, false};
  for (const auto& options : {ReconstructOptions{}, given}) {
    const auto result = (*predictor->Reconstruct(Patterns(2), options))[1];
    ASSERT_EQ(result.ids_restore.size(), 6U);
    const auto visible = 6 - CountHidden(result.hidden);
    for (size_t p = 0; p < 6; ++p) EXPECT_EQ(result.hidden[p], result.ids_restore[p] >= visible);
    EXPECT_EQ(std::set<int32_t>(result.ids_restore.begin(), result.ids_restore.end()),
              (std::set<int32_t>{0, 1, 2, 3, 4, 5}));
  }
}

TEST(Predictor, AGivenMaskIsThatOfEveryImage) {
  const auto predictor = LoadTiny(TinyAutoencoder());
  ReconstructOptions options;
  options.mask_kind = MaskKind::kGiven;
  options.hidden = {false, true, true, true, false, true};
  const auto results = predictor->Reconstruct(Patterns(3), options);
  ASSERT_THAT(results, IsOk());
  for (const auto& result : *results) EXPECT_EQ(result.hidden, options.hidden);
}

TEST(Predictor, LossIsTheErrorOverTheHiddenPatchesOfThatImage) {
  const auto predictor = LoadTiny(TinyAutoencoder());
  const auto results = predictor->Reconstruct(Patterns(3), {});
  ASSERT_THAT(results, IsOk());
  for (size_t i = 0; i < 3; ++i) {
    const auto& result = (*results)[i];
    const auto picture = Pattern(1, static_cast<int>(i));
    double error = 0;
    for (size_t p = 0; p < 6; ++p) {
      for (size_t v = 0; v < 16 && result.hidden[p]; ++v) {
        const auto pixel = picture.pixels[(p / 3 * 4 + v / 4) * 12 + p % 3 * 4 + v % 4];
        error += std::pow(result.prediction.values[p * 16 + v] - (pixel / 255.0 - 0.25) / 0.5, 2);
      }
    }
    EXPECT_NEAR(result.loss, error / static_cast<double>(16 * CountHidden(result.hidden)), 1e-5);
  }
}

TEST(Predictor, PicturesShowTheInputAsItWas) {
  for (const int64_t channels : {1, 3}) {
    const auto predictor = LoadTiny(TinyAutoencoder(channels));
    const auto results = predictor->Reconstruct({Pattern(channels, 1)}, {});
    ASSERT_THAT(results, IsOk());
    EXPECT_EQ((*results)[0].original.pixels, Pattern(channels, 1).pixels);
    EXPECT_NE((*results)[0].reconstruction.pixels, Pattern(channels, 1).pixels);
    EXPECT_EQ((*results)[0].pixels.shape, (std::vector<int64_t>{channels, 8, 12}));
  }
}

TEST(Predictor, NormPixPatchesGetTheTruePatchesMeanAndVarianceBack) {
  const auto config = TinyAutoencoder(1, /*norm_pix_loss=*/true);
  const auto result = (*LoadTiny(config)->Reconstruct({Pattern(1, 3)}, {}))[0];
  EXPECT_EQ(result.pixel_statistics, PixelStatistics::kTruePatch);
  for (size_t p = 0; p < 6; ++p) {
    double sum = 0, squares = 0;
    const auto at = [p](size_t v) { return (p / 3 * 4 + v / 4) * 12 + p % 3 * 4 + v % 4; };
    for (size_t v = 0; v < 16; ++v) sum += Pattern(1, 3).pixels[at(v)] / 255.0;
    for (size_t v = 0; v < 16; ++v) squares += std::pow(Pattern(1, 3).pixels[at(v)] / 255.0 - sum / 16, 2);
    for (size_t v = 0; v < 16; ++v) {
      const double wanted = result.prediction.values[p * 16 + v] * std::sqrt(squares / 15) + sum / 16;
      ASSERT_NEAR(result.pixels.values[at(v)], std::clamp(wanted, 0.0, 1.0), 1e-4);
    }
  }
}

TEST(Predictor, LeavesOutWhatIsNotAskedFor) {
  ReconstructOptions options;
  options.pictures = options.tensors = false;
  const auto result = (*LoadTiny(TinyAutoencoder())->Reconstruct(Patterns(1), options))[0];
  EXPECT_TRUE(result.original.pixels.empty());
  EXPECT_TRUE(result.prediction.values.empty());
  EXPECT_GT(result.loss, 0);
}

TEST(Predictor, RefusesMasksThatCanNotBe) {
  const auto predictor = LoadTiny(TinyAutoencoder());
  for (const double ratio : {0.0, 1.0, -0.5, 1.5, 0.9, 1e-17, std::numeric_limits<double>::quiet_NaN()}) {
    ReconstructOptions options;
    options.mask_ratios = {ratio};
    EXPECT_THAT(predictor->Reconstruct(Patterns(1), options),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("mask_ratio: ")))
        << ratio;
  }
  for (const auto& hidden : {std::vector<bool>(5, true), std::vector<bool>(7), std::vector<bool>(6, true),
                             std::vector<bool>(6, false)}) {
    ReconstructOptions options;
    options.mask_kind = MaskKind::kGiven;
    options.hidden = hidden;
    EXPECT_THAT(predictor->Reconstruct(Patterns(1), options),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("hidden: ")));
  }
}

TEST(Predictor, AnImagesAnswerDoesNotDependOnItsBatch) {
  auto config = TinyClassifier(3);
  auto& model = std::get<VisionTransformerOptions>(config.model);
  model.encoder.image_height = model.encoder.image_width = 32;
  model.encoder.embed_dim = 192;
  model.encoder.depth = 2;
  model.encoder.num_heads = 3;
  const auto classifier = LoadTiny(config);
  const auto images = [](int count) {
    std::vector<PredictorInput> inputs;
    for (int i = 0; i < count; ++i) inputs.push_back(Pattern(3, i));
    return inputs;
  };
  const auto all = classifier->Classify(images(33));
  const auto embedded = classifier->Embed(images(33), {});
  ASSERT_THAT(all, IsOk());
  for (const int count : {1, 2, 3, 5, 8, 16, 32}) {
    const auto some = classifier->Classify(images(count));
    ASSERT_THAT(some, IsOk());
    EXPECT_TRUE(std::equal(some->begin(), some->end(), all->begin())) << count << " images, bit for bit";
    const auto few = classifier->Embed(images(count), {});
    EXPECT_TRUE(std::equal(few->values.begin(), few->values.end(), embedded->values.begin())) << count;
  }
}

TEST(Predictor, EmbeddingsAreTheSameEachTimeAndOfLengthOneIfAsked) {
  for (const auto& config : {TinyAutoencoder(), TinyClassifier()}) {
    const auto predictor = LoadTiny(config);
    for (const auto pool : {EmbeddingPool::kMean, EmbeddingPool::kClassToken}) {
      const auto plain = predictor->Embed(Patterns(3), {pool, false});
      ASSERT_THAT(plain, IsOk());
      EXPECT_EQ(plain->shape, (std::vector<int64_t>{3, 16}));
      EXPECT_EQ(plain->values, predictor->Embed(Patterns(3), {pool, false})->values);
      const auto unit = predictor->Embed(Patterns(3), {pool, true});
      double squares = 0;
      for (size_t i = 16; i < 32; ++i) squares += unit->values[i] * unit->values[i];
      EXPECT_NEAR(squares, 1, 1e-5);
      EXPECT_NEAR(unit->values[16] * plain->values[17], unit->values[17] * plain->values[16], 1e-5);
    }
    EXPECT_NE(predictor->Embed(Patterns(1), {EmbeddingPool::kClassToken, false})->values,
              predictor->Embed(Patterns(1), {EmbeddingPool::kMean, false})->values);
  }
}

TEST(Predictor, SaysWhatThisKindOfModelCanNotDo) {
  EXPECT_THAT(LoadTiny(TinyClassifier())->Reconstruct(Patterns(1), {}),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("vision_transformer")));
  EXPECT_THAT(LoadTiny(TinyAutoencoder())->Classify(Patterns(1)),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("masked_autoencoder")));
  auto headless = TinyClassifier();
  std::get<VisionTransformerOptions>(headless.model).num_classes = 0;
  EXPECT_THAT(LoadTiny(headless)->Classify(Patterns(1)), StatusIs(StatusCode::kFailedPrecondition));
}

TEST(Predictor, RefusesBadInputsInEveryMethod) {
  const std::vector<PredictorInput> inputs = {Pattern(1, 0), Picture{}};
  const auto refused = StatusIs(StatusCode::kInvalidArgument, HasSubstr("images[1]: "));
  EXPECT_THAT(LoadTiny(TinyAutoencoder())->Reconstruct(inputs, {}), refused);
  EXPECT_THAT(LoadTiny(TinyAutoencoder())->Embed(inputs, {}), refused);
  EXPECT_THAT(LoadTiny(TinyClassifier())->Classify(inputs), refused);
}

TEST(Predictor, ImagesOfOtherChannelsAreRebuiltButNotDrawn) {
  const auto predictor = LoadTiny(TinyAutoencoder(5));
  const FloatTensor image{{5, 8, 12}, std::vector<float>(480, 0.5F)};
  EXPECT_THAT(predictor->Reconstruct({image}, {}),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("pictures: ")));
  ReconstructOptions options;
  options.pictures = false;
  const auto results = predictor->Reconstruct({image}, options);
  ASSERT_THAT(results, IsOk());
  EXPECT_EQ((*results)[0].prediction.shape, (std::vector<int64_t>{6, 80}));
}

TEST(Predictor, ManyThreadsGetTheAnswersOfOne) {
  const auto predictor = LoadTiny(TinyClassifier());
  const auto wanted = predictor->Classify(Patterns(4));
  std::atomic<int> equal = 0;
  {
    std::vector<JoinedThread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 20; ++i) equal += *predictor->Classify(Patterns(4)) == *wanted ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(equal, 80);
}

TEST(PredictorLoad, SaysWhatIsMissing) {
  const TempFolder folder;
  EXPECT_THAT(Predictor::Load(folder.path(), "cpu", InferencePrecision::kFp32),
              StatusIs(StatusCode::kNotFound, HasSubstr("config.json")));
  WriteRandomModel(folder.path(), TinyClassifier());
  std::filesystem::remove(folder / "model.safetensors");
  EXPECT_THAT(Predictor::Load(folder.path(), "cpu", InferencePrecision::kFp32),
              StatusIs(StatusCode::kNotFound, HasSubstr("model.safetensors")));
}

TEST(PredictorLoad, AnEncoderWithoutItsDecoderIsNoAutoencoder) {
  const TempFolder folder;
  WriteRandomModel(folder.path(), TinyAutoencoder());
  auto file = ReadSafetensors(folder / "model.safetensors");
  ASSERT_THAT(file, IsOk());
  std::erase_if(file->tensors, [](const auto& item) { return item.first.starts_with("decoder_pred"); });
  ASSERT_THAT(WriteSafetensors(folder / "model.safetensors", file->tensors), IsOk());
  EXPECT_THAT(Predictor::Load(folder.path(), "cpu", InferencePrecision::kFp32),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("decoder_pred.weight")));
}

TEST(PredictorLoad, RefusesWhatIsNoModel) {
  const TempFolder folder;
  WriteRandomModel(folder.path(), TinyAutoencoder());
  EXPECT_THAT(Predictor::Load(folder.path(), "gpu", InferencePrecision::kFp32),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("device: ")));
  std::filesystem::resize_file(folder / "model.safetensors", 1000);
  EXPECT_THAT(Predictor::Load(folder.path(), "cpu", InferencePrecision::kFp32),
              StatusIs(StatusCode::kInvalidArgument));
  auto config = TinyAutoencoder();
  std::get<MaskedAutoencoderOptions>(config.model).encoder.num_heads = 3;
  WriteRandomModel(folder.path(), TinyAutoencoder());
  std::ofstream(folder / "config.json") << "{}";
  EXPECT_THAT(Predictor::Load(folder.path(), "cpu", InferencePrecision::kFp32),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("config.json")));
}

}  // namespace
}  // namespace mae
