// The predictor against the reference tensors of tests/golden: other implementations' weights in, their
// numbers out.
#include <fstream>

#include "absl/strings/match.h"
#include "checkpoint/safetensors.h"
#include "options/model_json.h"
#include "serving/predictor.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"
#include "tests/golden/golden_folder.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<Predictor> LoadGolden(const std::string& weights, ModelConfig config) {
  const auto channels = static_cast<size_t>(config.encoder().channels);
  config.mean.assign(channels, 0.5);
  config.std_dev.assign(channels, 0.25);
  const TempFolder folder;
  const char* named = std::getenv("MAE_GOLDEN_DIR");
  const char* source = std::getenv("MAE_SOURCE_DIR");
  const fs::path golden = named != nullptr
                              ? fs::path(named)
                              : fs::path(source != nullptr ? source : ".") / "tests/golden/reference";
  fs::copy_file(golden / weights, folder / "model.safetensors");
  std::ofstream(folder / "config.json") << ModelConfigToJson(config);
  auto predictor = Predictor::Load(folder.path(), "cpu", InferencePrecision::kFp32);
  EXPECT_THAT(predictor, IsOk());
  return predictor.ok() ? *std::move(predictor) : nullptr;
}

std::vector<PredictorInput> GoldenImages() {
  std::vector<PredictorInput> inputs;
  for (const auto& image : GoldenFolder::Get().reference("imgs").unbind()) {
    const auto values = image.contiguous();
    const float* data = values.data_ptr<float>();
    inputs.push_back(FloatTensor{values.sizes().vec(), {data, data + values.numel()}});
  }
  return inputs;
}

torch::Tensor ToTorch(const FloatTensor& tensor) {
  return torch::from_blob(const_cast<float*>(tensor.values.data()), tensor.shape).clone();
}

torch::Tensor ToTorch(const std::vector<std::vector<float>>& rows) {
  std::vector<torch::Tensor> tensors;
  for (const auto& row : rows) tensors.push_back(torch::tensor(row));
  return torch::stack(tensors);
}

VisionTransformerOptions GoldenClassifier(Pooling pooling) {
  const auto& golden = GoldenFolder::Get();
  return {golden.autoencoder().encoder, golden.num_classes(), pooling};
}

// Names such as "ratio75_normpix0" that have a prediction.
std::vector<std::string> GoldenCases() {
  std::vector<std::string> cases;
  for (const auto& [name, tensor] : GoldenFolder::Get().references()) {
    if (absl::EndsWith(name, ".pred")) cases.push_back(name.substr(0, name.size() - 5));
  }
  return cases;
}

TEST(PredictorGolden, ReconstructsAsTheReferenceDoes) {
  const auto& golden = GoldenFolder::Get();
  const auto inputs = GoldenImages();
  ASSERT_FALSE(GoldenCases().empty());
  for (const auto& name : GoldenCases()) {
    SCOPED_TRACE(name);
    auto options = golden.autoencoder();
    options.norm_pix_loss = absl::EndsWith(name, "normpix1");
    const auto predictor = LoadGolden("mae_weights.safetensors", {options, {}, {}, {}});
    ASSERT_NE(predictor, nullptr);
    double loss = 0;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      const auto mask = golden.reference(name + ".mask")[row].contiguous();
      ReconstructOptions asked;
      asked.mask_kind = MaskKind::kGiven;
      for (int64_t p = 0; p < mask.numel(); ++p) asked.hidden.push_back(mask.data_ptr<float>()[p] != 0);
      asked.pictures = false;
      const auto results = predictor->Reconstruct({inputs[i]}, asked);
      ASSERT_THAT(results, IsOk());
      EXPECT_TRUE(RelativelyNear(ToTorch((*results)[0].prediction), golden.reference(name + ".pred")[row]));
      EXPECT_EQ((*results)[0].hidden, asked.hidden);
      loss += (*results)[0].loss / static_cast<double>(inputs.size());
    }
    const auto wanted = golden.reference(name + ".loss").item<double>();
    EXPECT_NEAR(loss, wanted, 1e-4 * wanted);
  }
}

TEST(PredictorGolden, ClassifiesAsTheReferenceDoesWithEitherPooling) {
  for (const auto& [name, pooling] : {std::pair{"vit_avg", Pooling::kMean}, {"vit_token", Pooling::kToken}}) {
    const auto predictor =
        LoadGolden(std::string(name) + "_weights.safetensors", {GoldenClassifier(pooling), {}, {}, {}});
    ASSERT_NE(predictor, nullptr);
    const auto logits = predictor->Classify(GoldenImages());
    ASSERT_THAT(logits, IsOk());
    EXPECT_TRUE(
        RelativelyNear(ToTorch(*logits), GoldenFolder::Get().reference(std::string(name) + ".logits")));
  }
}

TEST(PredictorGolden, AClassifiersOwnEmbeddingIsWhatItsHeadReads) {
  for (const auto& [name, pooling] : {std::pair{"vit_avg", Pooling::kMean}, {"vit_token", Pooling::kToken}}) {
    const auto options = GoldenClassifier(pooling);
    const auto predictor = LoadGolden(std::string(name) + "_weights.safetensors", {options, {}, {}, {}});
    ASSERT_NE(predictor, nullptr);
    const auto embeddings = predictor->Embed(
        GoldenImages(),
        {pooling == Pooling::kToken ? EmbeddingPool::kClassToken : EmbeddingPool::kMean, false});
    ASSERT_THAT(embeddings, IsOk());
    torch::nn::Linear head(options.encoder.embed_dim, options.num_classes);
    torch::nn::Module holder;
    holder.register_module("head", head);
    GoldenFolder::Get().LoadWeights(std::string(name) + "_weights.safetensors", holder);
    EXPECT_TRUE(RelativelyNear(head(ToTorch(*embeddings)),
                               GoldenFolder::Get().reference(std::string(name) + ".logits")));
  }
}

}  // namespace
}  // namespace mae
