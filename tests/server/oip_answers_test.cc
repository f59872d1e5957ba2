#include "server/oip_answers.h"

#include <algorithm>
#include <tuple>

#include "server/attention_drawing.h"
#include "tests/server/oip_fixture.h"

/// Kinds of masks, ratios, formats, patch tokens, attention and exact sizes by the Open Inference Protocol.
namespace mae {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::SizeIs;

using OipAnswersTest = OipTest;

std::vector<char> MaskFor(const inference::ModelInferResponse& response) {
  return ValuesOf<char>(response, "mask");
}

TEST_F(OipAnswersTest, MaskKindsHideWhatTheySay) {
  auto request = PngRequest("mae");
  SetText(request, "mask_kind", "grid");
  EXPECT_THAT(MaskFor(MustInfer(request)), ElementsAre(0, 1, 0, 1, 1, 1));
  SetText(request, "mask_kind", "none");
  EXPECT_THAT(MaskFor(MustInfer(request)), Each(0));
  SetInt(request, "seed", 3);
  ExpectRefused(Refusal(request), "seed", "random and block");
  SetText(request, "mask_kind", "block");
  SetText(request, "mask_ratio", "0.5");
  const auto mask = MaskFor(MustInfer(request));
  EXPECT_EQ(std::count(mask.begin(), mask.end(), 1), 3);
  SetText(request, "mask_kind", "stripes");
  ExpectRefused(Refusal(request), "mask_kind", "\"grid\"");
  auto ratio_of_grid = PngRequest("mae");
  SetText(ratio_of_grid, "mask_kind", "grid");
  SetText(ratio_of_grid, "mask_ratio", "0.75");
  ExpectRefused(Refusal(ratio_of_grid), "mask_ratio", "a grid hides 3 of 4");
  auto given = PngRequest("mae");
  AddRaw("mask", "BOOL", {6}, std::string("\0\1\1\0\1\0", 6), given);
  EXPECT_THAT(MaskFor(MustInfer(given)), ElementsAre(0, 1, 1, 0, 1, 0));
  SetText(given, "mask_kind", "random");
  ExpectRefused(Refusal(given), "mask", "leave either out");
}

TEST_F(OipAnswersTest, SeveralRatiosAnswerEachImageAtEach) {
  auto request = PngRequest("mae", 2);
  SetText(request, "mask_ratio", "0.2,0.8");
  for (const char* name : {"image_index", "mask_ratio", "loss", "mask"})
    request.add_outputs()->set_name(name);
  const auto response = MustInfer(request);
  EXPECT_THAT(ValuesOf<int64_t>(response, "image_index"), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(ValuesOf<float>(response, "mask_ratio"), ElementsAre(2.0F / 6, 5.0F / 6, 2.0F / 6, 5.0F / 6));
  EXPECT_THAT(ShapeOf(response, "mask"), ElementsAre(4, 6));
  SetText(request, "mask_ratio", "0.2,0.5,0.8");
  ExpectRefused(Refusal(request), "mask_ratio", "more than the 4");
  for (const char* bad : {"0.2,", "", "half", "0.2;0.8"}) {
    SetText(request, "mask_ratio", bad);
    ExpectRefused(Refusal(request), "mask_ratio", "a number");
  }
}

TEST_F(OipAnswersTest, TheAnswerSaysHowPixelsWereGotBack) {
  models_.Publish("norm", TinyAutoencoder(1, /*norm_pix_loss=*/true));
  const auto said = [](const inference::ModelInferResponse& response) {
    return response.parameters().at("pixel_statistics").string_param();
  };
  auto request = PngRequest("norm");
  EXPECT_EQ(said(MustInfer(request)), "true_patch");
  SetText(request, "pixel_statistics", "visible_patches");
  EXPECT_EQ(said(MustInfer(request)), "visible_patches");
  SetText(request, "pixel_statistics", "visible-patches");  // as mae_client spells it
  EXPECT_EQ(said(MustInfer(request)), "visible_patches");
  SetText(request, "pixel_statistics", "raw");
  ExpectRefused(Refusal(request), "pixel_statistics", "visible_patches");
  EXPECT_EQ(said(MustInfer(PngRequest("mae"))), "raw");
}

TEST_F(OipAnswersTest, PicturesComeAsWebpIfAsked) {
  auto request = PngRequest("mae");
  request.add_outputs()->set_name("panel");
  SetText(request, "picture_format", "webp");
  EXPECT_EQ(TextsOf(MustInfer(request), "panel")[0].substr(0, 4), "RIFF");
  SetText(request, "picture_format", "gif");
  ExpectRefused(Refusal(request), "picture_format", "\"png\" or \"webp\"");
}

TEST_F(OipAnswersTest, HowPicturesAreDrawnIsRefusedWhereNoneAre) {
  for (const char* name : {"mae", "mae/embed"}) {
    auto scaled = PngRequest(name), formatted = scaled;
    SetInt(scaled, "picture_scale", 2);
    ExpectRefused(Refusal(scaled), "picture_scale", "no pictures");
    SetText(formatted, "picture_format", "png");
    ExpectRefused(Refusal(formatted), "picture_format", "no pictures");
  }
}

TEST_F(OipAnswersTest, ExactSizeNamesTheTensorAndThePlace) {
  for (const char* model : {"mae", "cats", "mae/embed"}) {
    auto request = PngRequest(model);
    SetText(request, "exact_size", "true");
    MustInfer(request);
    inference::ModelInferRequest other;
    other.set_model_name(model);
    SetText(other, "exact_size", "true");
    AddRaw("pixels", "UINT8", {1, 12, 8, 1}, std::string(96, 'x'), other);
    ExpectRefused(Refusal(other), "pixels[0]", "12 high and 8 wide");
  }
}

TEST_F(OipAnswersTest, PatchTokensAndAttentionAreOutputsByName) {
  auto request = PngRequest("mae/embed", 2);
  SetText(request, "pool", "cls");
  SetInt(request, "picture_scale", 2);
  for (const char* name : {"attention_panel", "embedding", "patch_embeddings", "attention", "attention_mean",
                           "attention_mean_picture", "attention_head_pictures"}) {
    request.add_outputs()->set_name(name);
  }
  const auto response = MustInfer(request);
  EXPECT_THAT(ShapeOf(response, "embedding"), ElementsAre(2, 16));
  EXPECT_THAT(ShapeOf(response, "patch_embeddings"), ElementsAre(2, 6, 16));
  EXPECT_THAT(ValuesOf<float>(response, "patch_embeddings"), SizeIs(2 * 6 * 16));
  EXPECT_THAT(ShapeOf(response, "attention"), ElementsAre(2, 2, 2, 3));
  EXPECT_THAT(ShapeOf(response, "attention_mean"), ElementsAre(2, 2, 3));
  EXPECT_THAT(ShapeOf(response, "attention_head_pictures"), ElementsAre(2, 2));
  const auto heads = TextsOf(response, "attention_head_pictures");
  ASSERT_THAT(heads, SizeIs(4));
  EXPECT_EQ(DecodePicture(heads[3], 1 << 20)->width, 24);
  EXPECT_EQ(DecodePicture(TextsOf(response, "attention_mean_picture")[1], 1 << 20)->height, 16);
  EXPECT_GT(DecodePicture(TextsOf(response, "attention_panel")[1], 1 << 20)->width, 4 * 24);
  EXPECT_EQ(OutputNames(MustInfer(PngRequest("mae/embed"))), std::vector<std::string>{"embedding"});
}

TEST_F(OipAnswersTest, AnAttentionPictureAskedForAloneIsThatOfAll) {
  const char* names[] = {"attention_mean_picture", "attention_head_pictures", "attention_panel"};
  auto all = PngRequest("mae/embed", 2);
  for (const char* name : names) all.add_outputs()->set_name(name);
  const auto together = MustInfer(all);
  for (const char* name : names) {
    auto one = PngRequest("mae/embed", 2);
    one.add_outputs()->set_name(name);
    EXPECT_EQ(TextsOf(MustInfer(one), name), TextsOf(together, name));
  }
}

TEST(AttentionDrawing, DrawsNoMoreThanIsWanted) {
  const AttentionMaps maps{{{1, 2, 1, 2}, {0, 1, 1, 0}},
                           {{1, 1, 2}, {0.5F, 0.5F}},
                           {Picture{4, 8, 1, std::vector<uint8_t>(32, 99)}}};
  const auto wanted = [&](const AttentionPictureChoice& choice) {
    const auto drawing = *DrawAttention(maps, 0, {}, choice);
    return std::tuple(!drawing.mean.empty(), drawing.heads.size(), !drawing.panel.empty());
  };
  EXPECT_EQ(wanted({true, false, false}), std::tuple(true, 0U, false));
  EXPECT_EQ(wanted({false, true, false}), std::tuple(false, 2U, false));
  EXPECT_EQ(wanted({false, false, true}), std::tuple(false, 0U, true));
  EXPECT_EQ(wanted({}), std::tuple(true, 2U, true));
}

}  // namespace
}  // namespace mae
