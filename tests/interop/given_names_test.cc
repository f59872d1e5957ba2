#include "interop/given_names.h"

#include <gtest/gtest.h>

#include "tests/interop/reference_folder.h"

namespace mae {
namespace {

NamedTensors Named(const std::vector<std::string>& names) {
  NamedTensors tensors;
  for (const auto& name : names) tensors.emplace_back(name, torch::ones({1}));
  return tensors;
}

GivenNames NamesIn(const std::string& file) {
  return GivenNames(ReadSafetensors(InteropReference() / file)->tensors);
}

TEST(GivenNames, OfficialNamesAreTheirOwn) {
  const GivenNames names(Named({"cls_token", "blocks.0.attn.qkv.weight"}));
  EXPECT_FALSE(names.are_of_transformers());
  EXPECT_EQ(names.Of("blocks.0.attn.qkv.weight"), "blocks.0.attn.qkv.weight");
  EXPECT_EQ(names.Of("blocks.7.norm1.bias"), "blocks.7.norm1.bias");
  EXPECT_EQ(names.OfBlocks("blocks."), "blocks.");
  EXPECT_EQ(names.ShapeText("blocks.0.attn.qkv.weight", {72, 24}), "[72,24]");
  EXPECT_EQ(GivenNames().Of("cls_token"), "cls_token");
}

TEST(GivenNames, ThePrefixOfDataParallelIsThere) {
  const GivenNames names(Named({"module.cls_token", "module.pos_embed"}));
  EXPECT_EQ(names.Of("cls_token"), "module.cls_token");
  EXPECT_EQ(names.Of("blocks.0.norm1.bias"), "module.blocks.0.norm1.bias");
  EXPECT_EQ(names.OfBlocks("blocks."), "module.blocks.");
  const GivenNames theirs(Named({"module.vit.embeddings.cls_token"}));
  EXPECT_EQ(theirs.Of("norm.bias"), "module.vit.layernorm.bias");
}

// What is there and what is missing, in the spelling that the file has.
TEST(GivenNames, EachSpellingOfTransformersIsKept) {
  const auto disk = NamesIn("transformers-mae/model.safetensors");
  EXPECT_EQ(disk.Of("pos_embed"), "vit.embeddings.position_embeddings");
  EXPECT_EQ(disk.Of("blocks.0.mlp.fc2.bias"), "vit.encoder.layer.0.output.dense.bias");
  EXPECT_EQ(disk.Of("blocks.9.mlp.fc2.bias"), "vit.encoder.layer.9.output.dense.bias");
  EXPECT_EQ(disk.Of("decoder_pred.bias"), "decoder.decoder_pred.bias");
  EXPECT_EQ(disk.Of("blocks.9.attn.qkv.bias"),
            "vit.encoder.layer.9.attention.attention.query.bias (likewise key and value)");
  EXPECT_EQ(disk.OfQkvPart("blocks.9.attn.qkv.bias", 2),
            "vit.encoder.layer.9.attention.attention.value.bias");
  EXPECT_EQ(disk.ShapeText("blocks.0.attn.qkv.weight", {72, 24}), "[24,24]");
  EXPECT_EQ(disk.ShapeText("blocks.0.mlp.fc1.weight", {48, 24}), "[48,24]");
  const auto memory = NamesIn("transformers-mae/names-of-5.safetensors");
  EXPECT_EQ(memory.Of("blocks.9.mlp.fc2.bias"), "vit.layers.9.mlp.fc2.bias");
  EXPECT_EQ(memory.Of("blocks.9.norm1.bias"), "vit.layers.9.layernorm_before.bias");
  EXPECT_EQ(memory.OfQkvPart("decoder_blocks.9.attn.qkv.bias", 1),
            "decoder.decoder_layers.9.attention.k_proj.bias");
  EXPECT_EQ(memory.OfBlocks("blocks."), "vit.layers.");
  const GivenNames bare(Named({"embeddings.cls_token", "encoder.layer.0.layernorm_after.bias",
                               "decoder.decoder_encoder.layer.0.layernorm_after.bias", "classifier.bias"}));
  EXPECT_EQ(bare.Of("blocks.1.norm1.bias"), "encoder.layer.1.layernorm_before.bias");
  EXPECT_EQ(bare.Of("decoder_blocks.1.norm1.bias"), "decoder.decoder_encoder.layer.1.layernorm_before.bias");
  EXPECT_EQ(bare.Of("head.weight"), "classifier.weight");
}

TEST(GivenNames, AFoldedHeadIsCalledByItsLinear) {
  const GivenNames names(Named({"cls_token", "head.0.running_mean", "head.1.weight"}));
  EXPECT_EQ(names.Of("head.weight"), "head.1.weight");
  EXPECT_EQ(GivenNames(Named({"head.weight", "head.1.weight"})).Of("head.weight"), "head.weight");
}

}  // namespace
}  // namespace mae
