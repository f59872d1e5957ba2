#include "options/parameter_count.h"

#include <gtest/gtest.h>

namespace mae {
namespace {

EncoderOptions VitBase() {
  EncoderOptions encoder;
  encoder.image_height = 224;
  encoder.image_width = 224;
  encoder.patch_size = 16;
  encoder.embed_dim = 768;
  encoder.depth = 12;
  encoder.num_heads = 12;
  return encoder;
}

TEST(ParameterCount, OfAClassifierIsThePublishedOne) {
  EXPECT_EQ(ParameterCount(VisionTransformerOptions{VitBase(), 1000}), 86'567'656);
  EXPECT_EQ(ParameterCount(VisionTransformerOptions{VitBase(), 0}), 85'798'656);
}

TEST(ParameterCount, OfAnAutoencoderIsThePublishedOne) {
  MaskedAutoencoderOptions model;
  model.encoder = VitBase();
  EXPECT_EQ(ParameterCount(model), 111'907'840);
}

TEST(ParameterCount, CountsEveryPartByHand) {
  EncoderOptions encoder;
  encoder.channels = 1;
  encoder.image_height = 4;
  encoder.image_width = 8;
  encoder.patch_size = 4;
  encoder.embed_dim = 4;
  encoder.depth = 1;
  encoder.num_heads = 1;
  encoder.mlp_ratio = 2.5;
  encoder.qkv_bias = false;
  const int64_t block = 8 + 48 + 20 + 8 + (40 + 10) + (40 + 4);
  const int64_t trunk = 4 + 3 * 4 + (16 * 4 + 4) + block + 8;
  EXPECT_EQ(ParameterCount(VisionTransformerOptions{encoder, 3}), trunk + 4 * 3 + 3);
  encoder.mlp_ratio = 2.4;  // 9.6 rounds to 10, as the model has it
  EXPECT_EQ(ParameterCount(VisionTransformerOptions{encoder, 3}), trunk + 4 * 3 + 3);
}

TEST(VisiblePatches, AreTheFloorOfWhatTheRatioLeaves) {
  MaskedAutoencoderOptions model;
  model.encoder.image_height = 28;
  model.encoder.image_width = 28;
  EXPECT_EQ(model.visible_patches(), 12);  // 49 * 0.25 = 12.25
  model.mask_ratio = 0.5;
  EXPECT_EQ(model.visible_patches(), 24);
  model.mask_ratio = 0.99;
  EXPECT_EQ(model.visible_patches(), 0);
}

}  // namespace
}  // namespace mae
