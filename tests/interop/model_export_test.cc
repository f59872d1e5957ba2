#include "interop/model_export.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <map>

#include "base/durable_file.h"
#include "checkpoint/safetensors.h"
#include "interop/model_import.h"
#include "tests/fakes/random_model.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ModelExportTest : public testing::Test {
 protected:
  absl::Status Export(const ModelConfig& config, ExportFormat format) {
    WriteRandomModel(folder_ / "model", config);
    ModelStory story;
    story.name = "models/m/versions/1";
    return ExportModelFiles(folder_ / "model", format, story, folder_ / "out");
  }
  std::map<std::string, torch::Tensor> Tensors(const std::string& file) {
    const auto read = ReadSafetensors(folder_ / file);
    EXPECT_THAT(read, IsOk());
    return {read->tensors.begin(), read->tensors.end()};
  }
  // What an export and an import after it leave of the weights.
  void ExpectSameWeightsAfterImport() {
    std::filesystem::remove(folder_ / "out" / "README.md");
    const auto imported = ImportModelFiles(folder_ / "out", {}, folder_ / "again");
    ASSERT_THAT(imported, IsOk());
    const auto before = Tensors("model/model.safetensors"), after = Tensors("again/model.safetensors");
    ASSERT_EQ(before.size(), after.size());
    for (const auto& [name, tensor] : before) EXPECT_TRUE(torch::equal(tensor, after.at(name))) << name;
  }

  TempFolder folder_;
};

ModelConfig Square(ModelConfig config) {
  std::visit([](auto& model) { model.encoder.image_width = model.encoder.image_height; }, config.model);
  return config;
}

TEST_F(ModelExportTest, OfficialAndPthComeBackBitForBitWithNothingAsked) {
  for (const auto format : {ExportFormat::kOfficial, ExportFormat::kPth}) {
    for (const auto& config : {TinyAutoencoder(1, true), TinyClassifier(1)}) {
      std::filesystem::remove_all(folder_ / "out");
      ASSERT_THAT(Export(config, format), IsOk());
      const char* weights = format == ExportFormat::kPth ? "checkpoint.pth" : "model.safetensors";
      EXPECT_TRUE(std::filesystem::exists(folder_ / "out" / weights));
      ExpectSameWeightsAfterImport();
    }
  }
}

TEST_F(ModelExportTest, HuggingFaceComesBackBitForBitWithNothingAsked) {
  ASSERT_THAT(Export(Square(TinyAutoencoder(3, true)), ExportFormat::kHuggingFace), IsOk());
  const auto tensors = Tensors("out/model.safetensors");
  EXPECT_TRUE(tensors.contains("vit.encoder.layer.0.attention.attention.query.weight"));
  EXPECT_TRUE(tensors.contains("decoder.decoder_layers.0.output.dense.bias"));
  EXPECT_EQ(ReadSafetensors(folder_ / "out" / "model.safetensors")->metadata.at("format"), "pt");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out" / "preprocessor_config.json"));
  ExpectSameWeightsAfterImport();
}

TEST_F(ModelExportTest, TimmGetsTheEncoderAlone) {
  ASSERT_THAT(Export(TinyAutoencoder(3), ExportFormat::kTimm), IsOk());
  const auto tensors = Tensors("out/model.safetensors");
  EXPECT_FALSE(tensors.contains("mask_token"));
  EXPECT_TRUE(tensors.contains("norm.weight"));
  for (const auto& [name, tensor] : tensors) EXPECT_FALSE(name.starts_with("decoder")) << name;
}

TEST_F(ModelExportTest, TimmGetsAClassifierWhole) {
  ASSERT_THAT(Export(TinyClassifier(3), ExportFormat::kTimm), IsOk());
  ExpectSameWeightsAfterImport();
}

// BatchNorm and Linear, for which transformers and timm have one Linear.
TEST_F(ModelExportTest, AProbesHeadIsOneLinearElsewhere) {
  auto config = Square(TinyClassifier(3));
  auto& probe = std::get<VisionTransformerOptions>(config.model);
  probe.pooling = Pooling::kToken, probe.batch_norm_head = true;
  for (const auto& [format, head] : std::map<ExportFormat, std::string>{
           {ExportFormat::kHuggingFace, "classifier."}, {ExportFormat::kTimm, "head."}}) {
    std::filesystem::remove_all(folder_ / "out");
    ASSERT_THAT(Export(config, format), IsOk());
    const auto tensors = Tensors("out/model.safetensors"), ours = Tensors("model/model.safetensors");
    ASSERT_TRUE(tensors.contains(head + "weight")) << head;
    EXPECT_TRUE(torch::allclose(tensors.at(head + "weight"), ours.at("head.1.weight"), 1e-4, 1e-6));
    for (const auto& [name, tensor] : tensors) {
      EXPECT_EQ(name.find(head + "0."), std::string::npos) << name;
      EXPECT_EQ(name.find(head + "1."), std::string::npos) << name;
    }
    std::filesystem::remove(folder_ / "out" / "README.md");
    EXPECT_THAT(ImportModelFiles(folder_ / "out", {}, folder_ / head), IsOk());
  }
}

TEST_F(ModelExportTest, FormatsWithoutSuchAModelSaySo) {
  EXPECT_THAT(
      Export(Square(TinyClassifier(3)), ExportFormat::kHuggingFace),
      StatusIs(absl::StatusCode::kFailedPrecondition, AllOf(HasSubstr("format: "), HasSubstr("timm"))));
  EXPECT_THAT(ExportModelFiles(folder_ / "none", ExportFormat::kPth, {}, folder_ / "out"),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ModelExportTest, EveryExportHasAModelCard) {
  for (const auto format :
       {ExportFormat::kOfficial, ExportFormat::kPth, ExportFormat::kTimm, ExportFormat::kHuggingFace}) {
    ASSERT_THAT(Export(Square(TinyAutoencoder(3)), format), IsOk());
    const auto text = ReadFile(folder_ / "out" / "README.md");
    ASSERT_THAT(text, IsOk());
    EXPECT_THAT(*text, HasSubstr("models/m/versions/1"));
  }
}

}  // namespace
}  // namespace mae
