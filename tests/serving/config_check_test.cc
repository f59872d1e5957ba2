#include "serving/config_check.h"

#include <functional>
#include <limits>

#include "tests/fakes/random_model.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using testing::HasSubstr;

// The check of a sound autoencoder after one change.
absl::Status After(const std::function<void(MaskedAutoencoderOptions&, ModelConfig&)>& change) {
  auto config = TinyAutoencoder();
  auto model = std::get<MaskedAutoencoderOptions>(config.model);
  change(model, config);
  config.model = model;
  return CheckModelConfig(config);
}

TEST(CheckModelConfig, AcceptsSoundModels) {
  EXPECT_THAT(CheckModelConfig(TinyAutoencoder(3)), IsOk());
  EXPECT_THAT(CheckModelConfig(TinyClassifier()), IsOk());
}

TEST(CheckModelConfig, NamesTheFieldThatCanNotBeBuilt) {
  using Change = std::function<void(MaskedAutoencoderOptions&, ModelConfig&)>;
  const std::pair<const char*, Change> cases[] = {
      {"encoder.channels: 0", [](auto& model, auto&) { model.encoder.channels = 0; }},
      {"encoder.channels: 17", [](auto& model, auto&) { model.encoder.channels = 17; }},
      {"encoder.patch_size: 0", [](auto& model, auto&) { model.encoder.patch_size = 0; }},
      {"encoder.image_height: -8", [](auto& model, auto&) { model.encoder.image_height = -8; }},
      {"encoder.image_height: 9 is not a multiple of 4",
       [](auto& model, auto&) { model.encoder.image_height = 9; }},
      {"encoder.image_width: 13 is not a multiple of 4",
       [](auto& model, auto&) { model.encoder.image_width = 13; }},
      {"encoder.image_height: 4100 is not in 1..4096",
       [](auto& model, auto&) { model.encoder.image_height = 4100; }},
      {"encoder.patch_size: 1 makes 16777216 patches an image; at most 16384",
       [](auto& model, auto&) {
         model.encoder.image_height = model.encoder.image_width = 4096;
         model.encoder.patch_size = 1;
       }},
      {"encoder.depth: 257 is not in 1..256", [](auto& model, auto&) { model.encoder.depth = 257; }},
      {"encoder.mlp_ratio: 0", [](auto& model, auto&) { model.encoder.mlp_ratio = 0; }},
      {"encoder.num_heads: 0", [](auto& model, auto&) { model.encoder.num_heads = 0; }},
      {"encoder.embed_dim: 16 is not a multiple of 3",
       [](auto& model, auto&) { model.encoder.num_heads = 3; }},
      {"encoder.embed_dim: 18 is not a multiple of 4",
       [](auto& model, auto&) { model.encoder.embed_dim = 18; }},
      {"encoder.depth: -1", [](auto& model, auto&) { model.encoder.depth = -1; }},
      {"decoder.num_heads: 0", [](auto& model, auto&) { model.decoder.num_heads = 0; }},
      {"decoder.embed_dim: 6 is not a multiple of 4",
       [](auto& model, auto&) { model.decoder.embed_dim = 6; }},
      {"mask_ratio: 1", [](auto& model, auto&) { model.mask_ratio = 1; }},
      {"mask_ratio: nan",
       [](auto& model, auto&) { model.mask_ratio = std::numeric_limits<double>::quiet_NaN(); }},
      {"mean, std", [](auto&, auto& config) { config.mean.clear(); }},
      {"std: channel 0", [](auto&, auto& config) { config.std_dev[0] = 0; }},
  };
  for (const auto& [message, change] : cases) {
    EXPECT_THAT(After(change), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  }
}

TEST(CheckModelConfig, LearnedPositionsNeedNoMultipleOfFour) {
  EXPECT_THAT(After([](auto& model, auto&) {
                model.encoder.embed_dim = 18;
                model.encoder.position_embedding = PositionEmbedding::kLearned;
              }),
              IsOk());
}

TEST(CheckModelConfig, AHeadMayNotHaveFewerThanNoClasses) {
  auto config = TinyClassifier();
  std::get<VisionTransformerOptions>(config.model).num_classes = -1;
  EXPECT_THAT(CheckModelConfig(config),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("num_classes: -1")));
}

}  // namespace
}  // namespace mae
