#include "interop/weight_names.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/fakes/status_matchers.h"
#include "tests/interop/reference_folder.h"

namespace mae {
namespace {

using testing::HasSubstr;

constexpr auto kBadName = absl::StatusCode::kInvalidArgument;

std::map<std::string, torch::Tensor> Sorted(const NamedTensors& tensors) {
  return {tensors.begin(), tensors.end()};
}

bool SameTensors(const NamedTensors& a, const NamedTensors& b) {
  const auto left = Sorted(a), right = Sorted(b);
  if (left.size() != right.size()) return false;
  for (const auto& [name, tensor] : left) {
    const auto found = right.find(name);
    if (found == right.end() || !torch::equal(found->second, tensor)) return false;
  }
  return true;
}

NamedTensors ReferenceOf(const std::string& file) {
  return ReadSafetensors(InteropReference() / file)->tensors;
}

TEST(WeightNames, AllSpellingsOfTransformersAreTheSameWeights) {
  const auto disk = ToOfficialNames(ReferenceOf("transformers-mae/model.safetensors"));
  const auto memory = ToOfficialNames(ReferenceOf("transformers-mae/names-of-5.safetensors"));
  ASSERT_THAT(disk, IsOk());
  ASSERT_THAT(memory, IsOk());
  EXPECT_TRUE(SameTensors(*disk, *memory));
  const auto legacy = ToHuggingFaceNames(*disk);
  ASSERT_THAT(legacy, IsOk());
  EXPECT_TRUE(Sorted(*legacy).contains("decoder.decoder_layers.0.attention.attention.query.weight"));
  EXPECT_TRUE(Sorted(*legacy).contains("vit.encoder.layer.1.output.dense.bias"));
  const auto back = ToOfficialNames(*legacy);
  ASSERT_THAT(back, IsOk());
  EXPECT_TRUE(SameTensors(*back, *disk));
}

TEST(WeightNames, QueryKeyAndValueAreTheRowsOfQkvInThisOrder) {
  const auto theirs = Sorted(ReferenceOf("transformers-mae/model.safetensors"));
  const auto ours = Sorted(*ToOfficialNames(ReferenceOf("transformers-mae/model.safetensors")));
  const auto& qkv = ours.at("blocks.1.attn.qkv.weight");
  ASSERT_EQ(qkv.size(0), 72);
  int64_t row = 0;
  for (const char* part : {"query", "key", "value"}) {
    const auto name = std::string("vit.encoder.layer.1.attention.attention.") + part + ".weight";
    EXPECT_TRUE(torch::equal(qkv.slice(0, row, row + 24), theirs.at(name))) << part;
    row += 24;
  }
}

// The whole table, as the conversion script of transformers has it.
TEST(WeightNames, EachTensorHasItsOfficialName) {
  const auto names = Sorted(*ToOfficialNames(ReferenceOf("transformers-mae/model.safetensors")));
  for (const char* name :
       {"cls_token", "pos_embed", "mask_token", "decoder_pos_embed", "patch_embed.proj.weight",
        "patch_embed.proj.bias", "blocks.0.norm1.weight", "blocks.0.attn.qkv.bias",
        "blocks.0.attn.proj.weight", "blocks.0.norm2.bias", "blocks.0.mlp.fc1.weight",
        "blocks.1.mlp.fc2.bias", "norm.weight", "decoder_embed.bias", "decoder_blocks.0.attn.qkv.weight",
        "decoder_blocks.0.mlp.fc2.weight", "decoder_norm.bias", "decoder_pred.weight"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
  EXPECT_EQ(names.size(), 4U + 2 + 2 * 12 + 2 + 2 + 12 + 4);
}

TEST(WeightNames, OfficialNamesStayAndThePrefixOfDataParallelFallsOff) {
  const NamedTensors official = {{"cls_token", torch::ones({1})},
                                 {"blocks.0.norm1.weight", torch::ones({2})}};
  EXPECT_TRUE(SameTensors(*ToOfficialNames(official), official));
  EXPECT_TRUE(SameTensors(*ToOfficialNames({{"module.cls_token", torch::ones({1})},
                                            {"module.blocks.0.norm1.weight", torch::ones({2})}}),
                          official));
}

TEST(WeightNames, AModelWithoutItsPrefixAndAPoolerAreUnderstood) {
  const auto ours = ToOfficialNames({{"embeddings.cls_token", torch::ones({1})},
                                     {"encoder.layer.0.output.dense.bias", torch::ones({2})},
                                     {"pooler.dense.bias", torch::ones({2})}});
  ASSERT_THAT(ours, IsOk());
  EXPECT_TRUE(
      SameTensors(*ours, {{"cls_token", torch::ones({1})}, {"blocks.0.mlp.fc2.bias", torch::ones({2})}}));
}

TEST(WeightNames, UnknownNamesAndHalfAttentionsAreRefused) {
  EXPECT_THAT(ToOfficialNames(
                  {{"vit.embeddings.cls_token", torch::ones({1})}, {"vit.gate.weight", torch::ones({1})}}),
              StatusIs(kBadName, HasSubstr("vit.gate.weight")));
  EXPECT_THAT(
      ToOfficialNames({{"vit.layers.0.attention.q_proj.weight", torch::ones({2, 2})},
                       {"vit.layers.0.attention.k_proj.weight", torch::ones({2, 2})}}),
      StatusIs(kBadName, HasSubstr("tensor vit.layers.0.attention.v_proj.weight: is missing; should be "
                                   "[2,2], as vit.layers.0.attention.q_proj.weight")));
  EXPECT_THAT(
      ToOfficialNames({{"vit.layers.0.attention.q_proj.weight", torch::ones({2, 2})},
                       {"vit.layers.0.attention.k_proj.weight", torch::ones({3, 2})},
                       {"vit.layers.0.attention.v_proj.weight", torch::ones({2, 2})}}),
      StatusIs(kBadName, HasSubstr("vit.layers.0.attention.k_proj.weight: is [3,2]; should be [2,2]")));
  EXPECT_THAT(
      ToOfficialNames({{"encoder.layer.0.attention.attention.value.bias", torch::ones({2})},
                       {"embeddings.cls_token", torch::ones({1})}}),
      StatusIs(kBadName, HasSubstr("tensor encoder.layer.0.attention.attention.query.bias: is missing")));
  EXPECT_THAT(ToHuggingFaceNames({{"fc_norm.weight", torch::ones({2})}}),
              StatusIs(kBadName, HasSubstr("fc_norm")));
  EXPECT_THAT(ToHuggingFaceNames({{"stem.0.attn.qkv.weight", torch::ones({3, 2})}}),
              StatusIs(kBadName, HasSubstr("stem.0.attn.qkv.0.weight")));
}

TEST(WeightNames, AProbesHeadIsFoldedIntoOneLinear) {
  torch::manual_seed(1);
  const auto mean = torch::randn({4}), var = torch::rand({4}) + 0.1, weight = torch::randn({3, 4}),
             bias = torch::randn({3}), x = torch::randn({5, 4});
  const auto folded = FoldProbeHead({{"norm.weight", torch::ones({4})},
                                     {"head.0.running_mean", mean},
                                     {"head.0.running_var", var},
                                     {"head.1.weight", weight},
                                     {"head.1.bias", bias}});
  ASSERT_THAT(folded, IsOk());
  const auto parts = Sorted(*folded);
  ASSERT_EQ(parts.size(), 3U);
  const auto expected = torch::linear((x - mean) / (var + 1e-6).sqrt(), weight, bias);
  EXPECT_TRUE(torch::allclose(torch::linear(x, parts.at("head.weight"), parts.at("head.bias")), expected,
                              1e-5, 1e-5));
  EXPECT_THAT(FoldProbeHead({{"head.1.weight", weight}}),
              StatusIs(kBadName, HasSubstr("tensor head.1.bias: is missing")));
  EXPECT_THAT(FoldProbeHead({{"head.0.running_mean", mean},
                             {"head.0.running_var", torch::ones({5})},
                             {"head.1.weight", weight},
                             {"head.1.bias", bias}}),
              StatusIs(kBadName, HasSubstr("tensor head.0.running_var: is [5]; should be [4]")));
  NamedTensors whole = {{"head.0.running_mean", mean},
                        {"head.0.running_var", var},
                        {"head.0.num_batches_tracked", torch::ones({}, torch::kLong)},
                        {"head.1.weight", weight},
                        {"head.1.bias", bias}};
  EXPECT_THAT(FoldProbeHead(whole), IsOk());
  whole.emplace_back("head.0.weight", mean);  // affine: another head
  EXPECT_THAT(FoldProbeHead(whole), StatusIs(kBadName, HasSubstr("nothing else")));
}

}  // namespace
}  // namespace mae
