#include "interop/model_readme.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/random_model.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

ModelStory Story() {
  ModelStory story;
  story.name = "models/shirts/versions/3", story.made = "2026-11-25";
  story.card.job = "jobs/7", story.card.recipe = "fashion-mnist-pretrain",
  story.card.dataset = "datasets/fashion";
  story.card.parent = "models/base/versions/1", story.card.license = "MIT";
  story.card.metrics = {{"validation_loss", 0.2025}};
  story.curves = {{"loss", {{10, 2.0}, {20, 0.5}}}};
  return story;
}

TEST(ModelReadme, TellsTheWholeStory) {
  const auto text = ModelReadme(ExportFormat::kHuggingFace, TinyAutoencoder(3), Story());
  EXPECT_THAT(text, StartsWith("---\nlibrary_name: transformers\n"));
  for (const char* part : {"models/shirts/versions/3", "jobs/7", "fashion-mnist-pretrain", "datasets/fashion",
                           "models/base/versions/1", "0.2025", "10: 2, 20: 0.5", "## Licence\n\nMIT",
                           "ViTMAEForPreTraining", "8x12"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(ModelReadme, WhatIsNotKnownIsSaid) {
  const auto text = ModelReadme(ExportFormat::kPth, TinyClassifier(3), {});
  EXPECT_THAT(text, AllOf(HasSubstr("Not stated."), HasSubstr("None are known"),
                          HasSubstr("weights_only=True"), Not(HasSubstr("## Curves"))));
}

TEST(ModelReadme, TextOfPeopleStaysText) {
  auto story = Story();
  story.card.license = "free\n---\n# <script>alert(1)</script> [x](http://y)";
  const auto text = ModelReadme(ExportFormat::kOfficial, TinyAutoencoder(3), story);
  EXPECT_THAT(text, AllOf(HasSubstr("free --- \\# \\<script\\>"), Not(HasSubstr("<script>"))));
}

TEST(ModelReadme, TimmIsToldOfAnotherEpsilon) {
  auto config = TinyClassifier(3);
  EXPECT_THAT(ModelReadme(ExportFormat::kTimm, config, {}), Not(HasSubstr("norm_layer")));
  std::get<VisionTransformerOptions>(config.model).encoder.layer_norm_eps = 1e-12;
  EXPECT_THAT(ModelReadme(ExportFormat::kTimm, config, {}), HasSubstr("eps=1e-12"));
}

}  // namespace
}  // namespace mae
