#include "options/model_presets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mae {
namespace {

using testing::ElementsAre;

TEST(ModelPresets, AreOrderedBySize) {
  std::vector<std::string_view> names;
  for (const auto& preset : ModelPresets()) names.push_back(preset.name);
  EXPECT_THAT(names, ElementsAre("nano", "tiny", "small", "base", "large", "huge"));
}

TEST(ModelPresets, BaseLargeAndHugeAreThePapers) {
  const auto base = FindModelPreset("base");
  ASSERT_TRUE(base.has_value());
  EXPECT_EQ(base->patch_size, 16);
  EXPECT_EQ(base->embed_dim, 768);
  EXPECT_EQ(base->depth, 12);
  EXPECT_EQ(base->num_heads, 12);
  EXPECT_EQ(base->decoder, (DecoderOptions{512, 8, 16}));
  const auto large = FindModelPreset("large");
  ASSERT_TRUE(large.has_value());
  EXPECT_EQ(large->embed_dim, 1024);
  EXPECT_EQ(large->depth, 24);
  EXPECT_EQ(large->num_heads, 16);
  const auto huge = FindModelPreset("huge");
  ASSERT_TRUE(huge.has_value());
  EXPECT_EQ(huge->patch_size, 14);
  EXPECT_EQ(huge->embed_dim, 1280);
  EXPECT_EQ(huge->depth, 32);
  EXPECT_EQ(huge->num_heads, 16);
}

TEST(ModelPresets, WidthsSuitTheirHeadsAndSinCosPositions) {
  for (const auto& preset : ModelPresets()) {
    EXPECT_EQ(preset.embed_dim % preset.num_heads, 0) << preset.name;
    EXPECT_EQ(preset.embed_dim % 4, 0) << preset.name;
    EXPECT_EQ(preset.decoder.embed_dim % preset.decoder.num_heads, 0) << preset.name;
    EXPECT_EQ(preset.decoder.embed_dim % 4, 0) << preset.name;
  }
}

TEST(ModelPresets, OtherNamesHaveNone) {
  EXPECT_FALSE(FindModelPreset("Base").has_value());
  EXPECT_FALSE(FindModelPreset("").has_value());
}

}  // namespace
}  // namespace mae
