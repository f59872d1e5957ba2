#include "interop/model_import.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/durable_file.h"
#include "checkpoint/safetensors.h"
#include "interop/pth_file.h"
#include "options/model_json.h"
#include "serving/predictor.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"
#include "tests/interop/reference_folder.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr double kAgreement = 1e-5;
constexpr auto kBadImport = absl::StatusCode::kInvalidArgument;

class ModelImportTest : public testing::Test {
 protected:
  ModelImportTest() { std::filesystem::create_directories(files()); }

  std::filesystem::path files() const { return folder_ / "files"; }
  std::filesystem::path model() const { return folder_ / "model"; }

  void Take(const std::string& file, const std::string& as = "model.safetensors") {
    std::filesystem::copy_file(InteropReference() / file, files() / as);
  }
  void Put(const std::string& name, const std::string& content) {
    ASSERT_THAT(WriteFileDurably(files() / name, content), IsOk());
  }
  absl::StatusOr<std::vector<std::string>> Import(const ImportOptions& options = {}) {
    return ImportModelFiles(files(), options, model());
  }
  std::unique_ptr<Predictor> Load() {
    auto predictor = Predictor::Load(model(), "cpu", InferencePrecision::kFp32);
    EXPECT_THAT(predictor, IsOk());
    return predictor.ok() ? *std::move(predictor) : nullptr;
  }

  TempFolder folder_;
};

std::map<std::string, torch::Tensor> ExpectedOf(const std::string& folder) {
  const auto file = ReadSafetensors(InteropReference() / folder / "expected.safetensors");
  return {file->tensors.begin(), file->tensors.end()};
}

FloatTensor AsInput(const torch::Tensor& image) {
  const auto flat = image.contiguous();
  return {flat.sizes().vec(), {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()}};
}

double LargestDifference(const std::vector<float>& values, const torch::Tensor& expected) {
  const auto ours = torch::tensor(values).reshape(expected.sizes());
  return (ours - expected).abs().max().item<double>();
}

ImportOptions ThreeHeads() {
  ImportOptions options;
  options.num_heads = 3;
  return options;
}

void ExpectPredictionsOfTransformers(const Predictor& predictor) {
  const auto expected = ExpectedOf("transformers-mae");
  for (int64_t i = 0; i < expected.at("images").size(0); ++i) {
    ReconstructOptions options;
    options.mask_kind = MaskKind::kGiven;
    options.pictures = false;
    const auto mask = expected.at("mask")[i];
    for (int64_t p = 0; p < mask.size(0); ++p) options.hidden.push_back(mask[p].item<float>() != 0);
    const auto results = predictor.Reconstruct({AsInput(expected.at("images")[i])}, options);
    ASSERT_THAT(results, IsOk());
    EXPECT_LT(LargestDifference(results->front().prediction.values, expected.at("pred")[i]), kAgreement);
  }
}

// Both spellings that transformers 5 has, in files and in memory.
TEST_F(ModelImportTest, PredictionsOfTransformersAreOurs) {
  Take("transformers-mae/config.json", "config.json");
  Take("transformers-mae/model.safetensors");
  ASSERT_THAT(Import(), IsOk());
  ExpectPredictionsOfTransformers(*Load());
}

TEST_F(ModelImportTest, SoAreThoseUnderTheNamesInMemory) {
  Take("transformers-mae/config.json", "config.json");
  Take("transformers-mae/names-of-5.safetensors");
  ASSERT_THAT(Import(), IsOk());
  ExpectPredictionsOfTransformers(*Load());
}

TEST_F(ModelImportTest, LogitsOfTransformersAreOurs) {
  Take("transformers-classifier/config.json", "config.json");
  Take("transformers-classifier/model.safetensors");
  ASSERT_THAT(Import(), IsOk());
  const auto predictor = Load();
  EXPECT_EQ(predictor->config().labels.size(), 3U);
  const auto expected = ExpectedOf("transformers-classifier");
  for (int64_t i = 0; i < 2; ++i) {
    const auto logits = predictor->Classify({AsInput(expected.at("images")[i])});
    ASSERT_THAT(logits, IsOk());
    EXPECT_LT(LargestDifference(logits->front(), expected.at("logits")[i]), kAgreement);
  }
}

TEST_F(ModelImportTest, LogitsOfTimmAreOursForBothPoolings) {
  for (const std::string pool : {"token", "avg"}) {
    std::filesystem::remove_all(files());
    std::filesystem::remove_all(model());
    std::filesystem::create_directories(files());
    Take("timm-" + pool + "/model.safetensors");
    ASSERT_THAT(Import(ThreeHeads()), IsOk());
    EXPECT_EQ(std::get<VisionTransformerOptions>(Load()->config().model).pooling,
              pool == "avg" ? Pooling::kMean : Pooling::kToken);
    const auto expected = ExpectedOf("timm-" + pool);
    for (int64_t i = 0; i < 2; ++i) {
      const auto logits = Load()->Classify({AsInput(expected.at("images")[i])});
      ASSERT_THAT(logits, IsOk());
      EXPECT_LT(LargestDifference(logits->front(), expected.at("logits")[i]), kAgreement) << pool;
    }
  }
}

TEST_F(ModelImportTest, TheCardSaysWhereItIsFrom) {
  Take("timm-avg/model.safetensors");
  ASSERT_THAT(Import(ThreeHeads()), IsOk());
  EXPECT_EQ(ModelCardFromJson(*ReadFile(model() / "card.json"))->source, "model.safetensors");
  EXPECT_EQ(ModelCardFromJson(*ReadFile(model() / "card.json"))->recipe, "imported");
  auto options = ThreeHeads();
  options.license = "CC-BY-NC 4.0", options.source = "a friend";
  ASSERT_THAT(Import(options), IsOk());
  const auto card = ModelCardFromJson(*ReadFile(model() / "card.json"));
  ASSERT_THAT(card, IsOk());
  EXPECT_EQ(card->license, "CC-BY-NC 4.0");
  EXPECT_EQ(card->source, "a friend");
  EXPECT_EQ(card->parent, "");
  EXPECT_EQ(card->sha256.size(), 64U);
  EXPECT_GT(card->parameters, 0);
}

TEST_F(ModelImportTest, ExactlyOneFileOfWeightsIsRead) {
  EXPECT_THAT(Import(), StatusIs(kBadImport, HasSubstr("0 files of weights")));
  Take("timm-avg/model.safetensors");
  Take("bare.pth", "b.pth");
  EXPECT_THAT(Import(ThreeHeads()), StatusIs(kBadImport, HasSubstr("2 files of weights")));
}

TEST_F(ModelImportTest, MissingTensorsAreNamed) {
  auto tensors = ReadSafetensors(InteropReference() / "timm-avg/model.safetensors")->tensors;
  std::erase_if(tensors, [](const auto& t) { return t.first == "blocks.0.norm2.bias"; });
  tensors.emplace_back("mask_token", torch::zeros({1, 1, 512}));
  ASSERT_THAT(WriteSafetensors(files() / "model.safetensors", tensors), IsOk());
  EXPECT_THAT(Import(ThreeHeads()), StatusIs(kBadImport, HasSubstr("blocks.0.norm2.bias is missing")));
}

TEST_F(ModelImportTest, TensorsOfTransformersAreNamedAsInTheirFile) {
  Take("transformers-classifier/config.json", "config.json");
  auto tensors = ReadSafetensors(InteropReference() / "transformers-classifier/model.safetensors")->tensors;
  for (auto& [name, tensor] : tensors) {
    if (name == "classifier.weight") tensor = torch::zeros({3, 5});
    if (name.find("layer.0.attention.attention.") != std::string::npos && name.ends_with("bias"))
      tensor = torch::zeros({7});
  }
  std::erase_if(tensors, [](const auto& t) { return t.first == "vit.layernorm.bias"; });
  ASSERT_THAT(WriteSafetensors(files() / "model.safetensors", tensors), IsOk());
  EXPECT_THAT(
      Import(),
      StatusIs(kBadImport,
               AllOf(HasSubstr("classifier.weight is [3,5], should be [3,24]"),
                     HasSubstr("vit.layernorm.bias is missing, should be [24]"),
                     HasSubstr("vit.encoder.layer.0.attention.attention.query.bias (likewise key and value) "
                               "is [7], should be [24]"),
                     Not(HasSubstr("head.")), Not(HasSubstr("blocks.")))));
  std::erase_if(tensors, [](const auto& t) { return t.first == "vit.embeddings.position_embeddings"; });
  ASSERT_THAT(WriteSafetensors(files() / "model.safetensors", tensors), IsOk());
  EXPECT_THAT(Import(),
              StatusIs(kBadImport, HasSubstr("tensor vit.embeddings.position_embeddings: is missing; "
                                             "should be [1,1 + patches,embed_dim]")));
}

TEST_F(ModelImportTest, AWrongHeadOfAProbeIsNamedAsInItsFile) {
  auto tensors = ReadSafetensors(InteropReference() / "timm-token/model.safetensors")->tensors;
  std::erase_if(tensors, [](const auto& t) { return t.first.starts_with("head."); });
  tensors.emplace_back("head.0.running_mean", torch::zeros({20}));
  tensors.emplace_back("head.0.running_var", torch::ones({20}));
  tensors.emplace_back("head.1.weight", torch::zeros({3, 20}));
  tensors.emplace_back("head.1.bias", torch::zeros({3}));
  ASSERT_THAT(WriteSafetensors(files() / "model.safetensors", tensors), IsOk());
  EXPECT_THAT(Import(ThreeHeads()),
              StatusIs(kBadImport, HasSubstr("head.1.weight is [3,20], should be [3,24]")));
}

TEST_F(ModelImportTest, AFaultIsBlamedOnWhoSaidIt) {
  Take("transformers-classifier/model.safetensors");
  auto config = nlohmann::json::parse(*ReadFile(InteropReference() / "transformers-classifier/config.json"));
  config["num_attention_heads"] = 5;
  Put("config.json", config.dump());
  EXPECT_THAT(Import(),
              StatusIs(kBadImport, HasSubstr("config.json: num_attention_heads: 5 does not divide")));
  EXPECT_THAT(Import(ThreeHeads()), IsOk());
  auto options = ThreeHeads();
  options.num_heads = 7;
  EXPECT_THAT(Import(options), StatusIs(kBadImport, testing::StartsWith("num_heads: 7 does not divide")));
}

TEST_F(ModelImportTest, OfANameThatTwoClassesHaveARemarkTells) {
  Take("transformers-classifier/model.safetensors");
  auto config = nlohmann::json::parse(*ReadFile(InteropReference() / "transformers-classifier/config.json"));
  config["id2label"] = {{"0", "crane"}, {"1", "dog"}, {"2", "crane"}};
  Put("config.json", config.dump());
  EXPECT_THAT(Import(),
              IsOkAndHolds(testing::Contains(HasSubstr("Several classes have the same name, crane: "))));
  ImportOptions options;
  options.labels = {"crane (bird)", "dog", "crane (machine)"};
  ASSERT_THAT(Import(options), IsOk());
  EXPECT_EQ(Load()->config().labels, options.labels);
}

TEST_F(ModelImportTest, HalvesBecomeFloatsAndCountsAreRefused) {
  auto tensors = ReadSafetensors(InteropReference() / "timm-avg/model.safetensors")->tensors;
  for (auto& [name, tensor] : tensors) tensor = tensor.to(torch::kBFloat16);
  ASSERT_THAT(WriteSafetensors(files() / "model.safetensors", tensors), IsOk());
  EXPECT_THAT(Import(ThreeHeads()), IsOk());
  tensors[0].second = tensors[0].second.to(torch::kLong);
  ASSERT_THAT(WriteSafetensors(files() / "model.safetensors", tensors), IsOk());
  EXPECT_THAT(Import(ThreeHeads()), StatusIs(kBadImport, HasSubstr("floating point")));
}

TEST_F(ModelImportTest, NamesOfBytesThatAreNoTextAreRefused) {
  auto tensors = ReadSafetensors(InteropReference() / "timm-avg/model.safetensors")->tensors;
  for (const std::string name : {"decoder_\xff", "decoder_\n"}) {
    tensors[0].first = name;
    std::string file;
    const auto written = WritePth(tensors, [&file](std::string_view bytes) {
      file += bytes;
      return absl::OkStatus();
    });
    ASSERT_THAT(written, IsOk());
    Put("model.pth", file);
    EXPECT_THAT(Import(ThreeHeads()),
                StatusIs(kBadImport, AllOf(HasSubstr("decoder_\\"), HasSubstr("printable"))));
  }
  tensors[0].first = std::string(300, 'x');
  ASSERT_THAT(WriteSafetensors(files() / "model.safetensors", tensors), IsOk());
  std::filesystem::remove(files() / "model.pth");
  EXPECT_THAT(Import(ThreeHeads()), StatusIs(kBadImport, HasSubstr("256 characters")));
}

// Sizes whose product overflows to what pos_embed has.
TEST_F(ModelImportTest, ImagesOfImpossibleSizesAreRefused) {
  Take("timm-avg/model.safetensors");
  for (const int64_t side : {int64_t{0}, int64_t{-1}, int64_t{1} << 36, INT64_MAX}) {
    auto options = ThreeHeads();
    options.image_height = side, options.image_width = INT64_MAX;
    EXPECT_THAT(Import(options), StatusIs(kBadImport, HasSubstr("image_height: "))) << side;
  }
}

TEST_F(ModelImportTest, AHeaderThatLiesIsRefusedByNameWithoutThePathOfTheServer) {
  const std::string one_gb("\x00\x00\x00\x40\x00\x00\x00\x00", 8);
  Put("model.safetensors", one_gb + "{}");
  EXPECT_THAT(Import(), StatusIs(kBadImport, AllOf(HasSubstr("model.safetensors: "), HasSubstr("1073741824"),
                                                   Not(HasSubstr(folder_.path().string())))));
  const auto header = [](const std::string& json) {
    const uint64_t size = json.size();
    return std::string(reinterpret_cast<const char*>(&size), 8) + json + std::string(8, '\0');
  };
  for (
      const std::string entries :
      {R"("a": {"dtype":"F32","shape":[2],"data_offsets":[0,800]})",
       R"("a": {"dtype":"F32","shape":[9],"data_offsets":[0,8]})",
       R"("a": {"dtype":"F77","shape":[2],"data_offsets":[0,8]})",
       R"("a": {"dtype":"F32","shape":[1],"data_offsets":[0,4]}, "b": {"dtype":"F32","shape":[2],"data_offsets":[0,8]})",
       R"("a": {"dtype":"F32","shape":[4611686018427387904, 4],"data_offsets":[0,8]})",
       R"("a": {"dtype":"F32","shape":[2],"data_offsets":[8,0]})"}) {
    Put("model.safetensors", header("{" + entries + "}"));
    EXPECT_THAT(Import(), StatusIs(kBadImport, HasSubstr("tensor "))) << entries;
  }
}

TEST(ImportFileNames, AreOfWeightsAndConfigsOnly) {
  for (const char* name : {"model.safetensors", "mae_pretrain_vit_base.pth", "x.pt", "pytorch_model.bin",
                           "config.json", "preprocessor_config.json"}) {
    EXPECT_THAT(CheckImportFileName(name), IsOk()) << name;
  }
  for (const std::string name : {"", "..", "../x.pth", "a/x.pth", "/etc/x.pth", ".x.pth", "a..pth", "x.pth/",
                                 "a\\x.pth", "a b.pth", "x.tar", "card.json", "model.py", "\xff.pth"}) {
    EXPECT_THAT(CheckImportFileName(name), StatusIs(kBadImport, HasSubstr("name: "))) << name;
  }
  EXPECT_THAT(CheckImportFileName(std::string("x\0.pth", 6)), StatusIs(kBadImport));
  EXPECT_THAT(CheckImportFileName(std::string(500, 'a') + ".pth"), StatusIs(kBadImport));
}

}  // namespace
}  // namespace mae
