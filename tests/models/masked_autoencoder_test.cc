#include "models/masked_autoencoder.h"

#include <gtest/gtest.h>

namespace mae {
namespace {

// The pair of the CIFAR-10 tutorial: ViT-B over 32 x 32 images in patches of 4.
MaskedAutoencoderOptions Tutorial() {
  MaskedAutoencoderOptions options;
  options.encoder.embed_dim = 768, options.encoder.depth = 12, options.encoder.num_heads = 12;
  options.decoder = {512, 8, 16};
  return options;
}

MaskedAutoencoderOptions Tiny() {
  MaskedAutoencoderOptions options;
  options.encoder.channels = 2;
  options.encoder.image_height = 8, options.encoder.image_width = 20;
  options.encoder.embed_dim = 16, options.encoder.depth = 2, options.encoder.num_heads = 2;
  options.decoder = {8, 2, 2};
  return options;
}

int64_t CountParameters(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

TEST(MaskedAutoencoder, TheTutorialsModelHasItsShapesAndSize) {
  torch::NoGradGuard no_grad;
  MaskedAutoencoder model(Tutorial());
  const auto mask = MaskFromNoise(torch::rand({1, 64}), 0.75);
  const auto out = model->forward(torch::randn({1, 3, 32, 32}), mask);
  EXPECT_EQ(out.pred.sizes(), (std::vector<int64_t>{1, 64, 48}));
  EXPECT_EQ(out.latent.sizes(), (std::vector<int64_t>{1, 17, 768}));
  EXPECT_EQ(out.loss.dim(), 0);
  EXPECT_EQ(mask.mask.sizes(), (std::vector<int64_t>{1, 64}));
  EXPECT_EQ(mask.mask.sum().item<float>(), 48);
  EXPECT_EQ(CountParameters(*model), 110816560);
}

TEST(MaskedAutoencoder, PositionEmbeddingsNeedNoGradientUnlessLearned) {
  auto options = Tiny();
  EXPECT_FALSE(MaskedAutoencoder(options)->named_parameters()["pos_embed"].requires_grad());
  options.encoder.position_embedding = PositionEmbedding::kLearned;
  MaskedAutoencoder learned(options);
  EXPECT_TRUE(learned->named_parameters()["pos_embed"].requires_grad());
  EXPECT_FALSE(learned->named_parameters()["decoder_pos_embed"].requires_grad());
}

TEST(MaskedAutoencoder, LossEqualsForwardsOnRectanglesAndAnyDecoderDepth) {
  torch::manual_seed(1);
  const auto images = torch::randn({3, 2, 8, 20});
  const auto mask = MaskFromNoise(torch::rand({3, 10}), 0.6);
  for (const int64_t depth : {0, 1, 3}) {
    auto options = Tiny();
    options.decoder.depth = depth;
    options.norm_pix_loss = depth == 1;
    MaskedAutoencoder model(options);
    EXPECT_NEAR(model->Loss(images, mask).item<float>(), model->forward(images, mask).loss.item<float>(),
                1e-5)
        << "decoder depth " << depth;
  }
}

TEST(MaskedAutoencoder, HiddenPixelsDoNotReachTheEncoder) {
  torch::manual_seed(2);
  MaskedAutoencoder model(Tiny());
  const auto mask = MaskFromNoise(torch::rand({1, 10}), 0.5);
  const auto images = torch::randn({1, 2, 8, 20});
  auto patches = Patchify(images, 4).clone();
  patches.index_put_({0, mask.hidden[0]}, 7.0F);
  const auto changed = Unpatchify(patches, 4, 2, 5);
  EXPECT_TRUE(model->Encode(images, mask).equal(model->Encode(changed, mask)));
}

TEST(MaskedAutoencoder, TheSameSeedDrawsTheSameWeights) {
  torch::manual_seed(3);
  MaskedAutoencoder first(Tiny());
  torch::manual_seed(3);
  MaskedAutoencoder second(Tiny());
  for (const auto& item : first->named_parameters()) {
    EXPECT_TRUE(item.value().equal(second->named_parameters()[item.key()])) << item.key();
  }
}

TEST(MaskedAutoencoder, LinearsStartXavierUniformWithBiasZero) {
  torch::manual_seed(4);
  MaskedAutoencoder model(Tutorial());
  const auto weight = model->named_parameters()["blocks.3.attn.qkv.weight"];
  const double bound = std::sqrt(6.0 / (768 + 3 * 768));
  EXPECT_LE(weight.abs().max().item<double>(), bound);
  EXPECT_GT(weight.abs().max().item<double>(), 0.99 * bound);
  EXPECT_EQ(model->named_parameters()["decoder_pred.bias"].abs().max().item<float>(), 0.0F);
  EXPECT_NEAR(model->named_parameters()["cls_token"].std().item<float>(), 0.02, 0.005);
}

TEST(MaskedAutoencoder, TokensAreTheLatentsOfAMaskThatHidesNothing) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(4);
  MaskedAutoencoder model(Tiny());
  const auto images = torch::randn({3, 2, 8, 20});
  Mask everything;
  everything.keep = torch::arange(10).expand({3, 10});
  const auto tokens = model->Tokens(images);
  EXPECT_EQ(tokens.sizes(), (std::vector<int64_t>{3, 11, 16}));
  EXPECT_TRUE(tokens.allclose(model->Encode(images, everything), 1e-5, 1e-6));
}

}  // namespace
}  // namespace mae
