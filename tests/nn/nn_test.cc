#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "nn/attention.h"
#include "nn/block.h"
#include "nn/drop_path.h"
#include "nn/init.h"
#include "nn/patch_embed.h"
#include "nn/position_embedding.h"

namespace mae {
namespace {

TEST(SinCosPositionEmbedding, EncodesColumnThenRow) {
  const auto embedding = SinCosPositionEmbedding(8, 2, 3);
  ASSERT_EQ(embedding.sizes(), (std::vector<int64_t>{1, 7, 8}));
  EXPECT_TRUE(embedding[0][0].eq(0).all().item<bool>()) << "the class token's row is zero";
  // Patch 5 stands at row 1, column 2; omega is 1 and 1/100.
  const double column = 2, row = 1;
  const std::vector<double> want = {std::sin(column),       std::sin(column / 100), std::cos(column),
                                    std::cos(column / 100), std::sin(row),          std::sin(row / 100),
                                    std::cos(row),          std::cos(row / 100)};
  for (int i = 0; i < 8; ++i)
    EXPECT_NEAR(embedding[0][6][i].item<float>(), want[static_cast<size_t>(i)], 1e-6);
}

TEST(SinCosPositionEmbedding, RefusesWidthsThatFourDoesNotDivide) {
  EXPECT_THROW(SinCosPositionEmbedding(6, 2, 2), c10::Error);
}

TEST(Patchify, OrdersPatchesRowMajorAndPixelsChannelLast) {
  const auto image = torch::arange(2 * 4 * 6, torch::kFloat32).reshape({1, 2, 4, 6});
  const auto patches = Patchify(image, 2);
  ASSERT_EQ(patches.sizes(), (std::vector<int64_t>{1, 6, 8}));
  // Patch 4 is row 1, column 1: pixels (2..3, 2..3); its values alternate channels.
  EXPECT_EQ(patches[0][4][0].item<float>(), image[0][0][2][2].item<float>());
  EXPECT_EQ(patches[0][4][1].item<float>(), image[0][1][2][2].item<float>());
  EXPECT_EQ(patches[0][4][2].item<float>(), image[0][0][2][3].item<float>());
  EXPECT_TRUE(Unpatchify(patches, 2, 2, 3).equal(image));
}

TEST(Patchify, RefusesSizesThatThePatchDoesNotDivide) {
  EXPECT_THROW(Patchify(torch::zeros({1, 3, 10, 8}), 4), c10::Error);
  EXPECT_THROW(Unpatchify(torch::zeros({1, 5, 16}), 4, 2, 2), c10::Error);
}

TEST(PatchEmbed, EqualsTheConvolutionItsWeightDescribes) {
  torch::manual_seed(1);
  EncoderOptions options;
  options.channels = 2, options.image_height = 8, options.image_width = 12, options.embed_dim = 16;
  PatchEmbed embed(options);
  const auto images = torch::randn({3, 2, 8, 12});
  const auto params = embed->named_parameters();
  const auto want =
      torch::conv2d(images, params["proj.weight"], params["proj.bias"], 4).flatten(2).transpose(1, 2);
  EXPECT_TRUE(torch::allclose(embed(images), want, 1e-5, 1e-6));
  const auto keep = torch::tensor({{5, 0}, {1, 2}, {3, 3}});
  const auto visible = embed->ForwardVisible(images, keep);
  EXPECT_TRUE(torch::allclose(visible[0][0], want[0][5], 1e-5, 1e-6));
  EXPECT_TRUE(torch::allclose(visible[1][1], want[1][2], 1e-5, 1e-6));
}

TEST(Attention, EqualsLibTorchsScaledDotProduct) {
  torch::manual_seed(2);
  Attention attention(32, 4, true);
  const auto x = torch::randn({2, 7, 32});
  const auto params = attention->named_parameters();
  const auto qkv = torch::linear(x, params["qkv.weight"], params["qkv.bias"]).reshape({2, 7, 3, 4, 8});
  const auto q = qkv.select(2, 0).transpose(1, 2), k = qkv.select(2, 1).transpose(1, 2),
             v = qkv.select(2, 2).transpose(1, 2);
  const auto mixed = at::scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape({2, 7, 32});
  const auto want = torch::linear(mixed, params["proj.weight"], params["proj.bias"]);
  EXPECT_TRUE(torch::allclose(attention(x), want, 1e-4, 1e-5));
}

TEST(Attention, HeadsMustDivideTheWidth) { EXPECT_THROW(Attention(32, 5, true), c10::Error); }

TEST(Attention, BiasIsAnOption) {
  EXPECT_FALSE(Attention(32, 4, false)->named_parameters().contains("qkv.bias"));
}

torch::Tensor Dropped(DropPath& drop, const torch::Tensor& x) {
  return DropPathImpl::Scaled(x, drop->Scales(x.size(0), x.device()));
}

TEST(DropPath, IsTheIdentityInEvalModeAndAtZero) {
  const auto x = torch::randn({4, 3});
  DropPath drop(0.5);
  drop->eval();
  EXPECT_TRUE(Dropped(drop, x).equal(x));
  DropPath never(0.0);
  EXPECT_TRUE(Dropped(never, x).equal(x));
}

TEST(DropPath, DropsWholeSamplesAndKeepsTheMean) {
  torch::manual_seed(3);
  DropPath drop(0.25);
  const auto out = Dropped(drop, torch::ones({20000, 2}));
  EXPECT_TRUE(out.select(1, 0).equal(out.select(1, 1))) << "a sample is dropped whole";
  EXPECT_NEAR(out.mean().item<double>(), 1.0, 0.02);
  EXPECT_NEAR((out.select(1, 0) == 0).to(torch::kFloat32).mean().item<double>(), 0.25, 0.02);
}

TEST(DropPath, RefusesARateOutsideItsRange) {
  EXPECT_THROW(DropPath(1.0), c10::Error);
  EXPECT_THROW(DropPath(-0.1), c10::Error);
}

TEST(TruncNormal, HasTheSpreadAskedForAndStaysInside) {
  torch::manual_seed(4);
  auto tensor = torch::empty({100000});
  TruncNormal(tensor, 1.0, 0.0, -2.0, 2.0);
  EXPECT_LE(tensor.abs().max().item<double>(), 2.0);
  EXPECT_NEAR(tensor.mean().item<double>(), 0.0, 0.02);
  EXPECT_NEAR(tensor.std().item<double>(), 0.8796, 0.02);  // of a normal cut at two standard deviations
}

TEST(XavierUniform, BoundsByFanInAndFanOut) {
  torch::manual_seed(5);
  auto weight = torch::empty({30, 3, 4, 4});
  XavierUniform(weight);
  const double bound = std::sqrt(6.0 / (30 + 48));
  EXPECT_LE(weight.abs().max().item<double>(), bound);
  EXPECT_GT(weight.abs().max().item<double>(), 0.95 * bound);
}

TEST(Block, KeepsTheShapeAndHasTheOfficialNames) {
  EncoderOptions shared;
  Block block(32, 4, shared);
  EXPECT_EQ(block(torch::randn({2, 5, 32})).sizes(), (std::vector<int64_t>{2, 5, 32}));
  for (const char* name : {"norm1.weight", "attn.qkv.bias", "attn.proj.weight", "norm2.bias",
                           "mlp.fc1.weight", "mlp.fc2.bias"}) {
    EXPECT_TRUE(block->named_parameters().contains(name)) << name;
  }
}

}  // namespace
}  // namespace mae
