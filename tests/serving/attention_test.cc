#include <torch/torch.h>

#include <cmath>
#include <map>

#include "checkpoint/safetensors.h"
#include "serving/predictor.h"
#include "tests/fakes/random_model.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

/// Every patch token, and what the class token attends to.
namespace mae {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

/// A small model and its weights.
struct OpenModel {
  explicit OpenModel(const ModelConfig& config) {
    const TempFolder folder;
    WriteRandomModel(folder.path(), config);
    predictor = *Predictor::Load(folder.path(), "cpu", InferencePrecision::kFp32);
    const auto file = ReadSafetensors(folder / "model.safetensors");
    tensors.insert(file->tensors.begin(), file->tensors.end());
  }
  torch::Tensor operator[](const std::string& name) const { return tensors.at(name); }

  std::unique_ptr<Predictor> predictor;
  std::map<std::string, torch::Tensor> tensors;
};

ModelConfig TwoBlocks(ModelConfig config) {
  std::visit([](auto& model) { model.encoder.depth = 2; }, config.model);
  return config;
}

FloatTensor Values(int64_t salt) {
  FloatTensor image{{1, 8, 12}, {}};
  for (int64_t i = 0; i < 96; ++i) image.values.push_back(static_cast<float>(std::sin(0.7 * i * (salt + 1))));
  return image;
}

const std::vector<PredictorInput>& TwoImages() {
  static const std::vector<PredictorInput> images = {Values(0), Values(3)};
  return images;
}

torch::Tensor LinearOf(const OpenModel& model, const std::string& name, const torch::Tensor& x) {
  return torch::matmul(x, model[name + ".weight"].t()) + model[name + ".bias"];
}

torch::Tensor NormOf(const OpenModel& model, const std::string& name, const torch::Tensor& x) {
  const auto centred = x - x.mean(-1, true);
  return centred / (centred.square().mean(-1, true) + 1e-6).sqrt() * model[name + ".weight"] +
         model[name + ".bias"];
}

// Of one image, from the weights alone: [heads, 1+L, 1+L]; x [1+L, 16] becomes what leaves the block.
torch::Tensor RunBlock(const OpenModel& model, const std::string& block, torch::Tensor& x) {
  const auto n = x.size(0);
  const auto qkv = LinearOf(model, block + ".attn.qkv", NormOf(model, block + ".norm1", x));
  std::vector<torch::Tensor> weights, mixed;
  for (int64_t head = 0; head < 2; ++head) {
    const auto part = [&](int64_t which) {
      return qkv.slice(1, which * 16 + head * 8, which * 16 + head * 8 + 8);
    };
    weights.push_back((torch::matmul(part(0), part(1).t()) / std::sqrt(8.0)).softmax(-1));
    mixed.push_back(torch::matmul(weights.back(), part(2)));
  }
  x = x + LinearOf(model, block + ".attn.proj", torch::cat(mixed, 1)).view({n, 16});
  x = x + LinearOf(model, block + ".mlp.fc2",
                   torch::gelu(LinearOf(model, block + ".mlp.fc1", NormOf(model, block + ".norm2", x))));
  return torch::stack(weights);
}

torch::Tensor FirstTokens(const OpenModel& model, const FloatTensor& image) {
  const auto pixels = torch::tensor(image.values).view({2, 4, 3, 4}).permute({0, 2, 1, 3}).reshape({6, 16});
  const auto patches = torch::matmul(pixels, model["patch_embed.proj.weight"].view({16, 16}).t()) +
                       model["patch_embed.proj.bias"];
  return torch::cat({model["cls_token"][0], patches}) + model["pos_embed"][0];
}

TEST(Attention, IsThatOfTheClassTokenInTheLastBlockOfEveryKindOfModel) {
  for (const auto& config : {TwoBlocks(TinyAutoencoder()), TwoBlocks(TinyClassifier())}) {
    const OpenModel model(config);
    const auto maps = model.predictor->Attention(TwoImages(), /*pictures=*/false);
    ASSERT_THAT(maps, IsOk());
    EXPECT_EQ(maps->heads.shape, (std::vector<int64_t>{2, 2, 2, 3}));
    EXPECT_EQ(maps->mean.shape, (std::vector<int64_t>{2, 2, 3}));
    EXPECT_TRUE(maps->images.empty());
    for (int64_t i = 0; i < 2; ++i) {
      auto x = FirstTokens(model, std::get<FloatTensor>(TwoImages()[i]));
      RunBlock(model, "blocks.0", x);
      const auto wanted = RunBlock(model, "blocks.1", x).select(1, 0).slice(1, 1);
      const auto heads = torch::tensor(maps->heads.values).view({2, 2, 6})[i];
      EXPECT_TRUE(torch::allclose(heads, wanted, 1e-4, 1e-5));
      EXPECT_TRUE(
          torch::allclose(torch::tensor(maps->mean.values).view({2, 6})[i], wanted.mean(0), 1e-4, 1e-5));
    }
  }
}

TEST(Attention, ComesWithTheImagesAsTheModelSeesThem) {
  const OpenModel model(TinyAutoencoder());
  const Picture picture{8, 12, 1, std::vector<uint8_t>(96, 77)};
  const auto maps = model.predictor->Attention({picture}, /*pictures=*/true);
  ASSERT_THAT(maps, IsOk());
  ASSERT_EQ(maps->images.size(), 1U);
  EXPECT_EQ(maps->images[0].pixels, picture.pixels);
  EXPECT_THAT(model.predictor->Attention({Picture{}}, true),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("images[0]: ")));
  const OpenModel five(TinyAutoencoder(5));
  const FloatTensor image{{5, 8, 12}, std::vector<float>(480, 0.5F)};
  EXPECT_THAT(five.predictor->Attention({image}, true),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("5 channels")));
  EXPECT_THAT(five.predictor->Attention({image}, false), IsOk());
}

TEST(Attention, OfManyImagesRunsInBatchesOfTheMost) {
  const TempFolder folder;
  WriteRandomModel(folder.path(), TwoBlocks(TinyAutoencoder()));
  std::vector<PredictorInput> images;
  for (int64_t i = 0; i < 5; ++i) images.emplace_back(Values(i));
  WorkQueue threads(1, 16);
  std::vector<int64_t> batches;
  const Batching batching{
      &threads, {.max_batch = 2}, [&](const BatchRecord& batch) { batches.push_back(batch.images); }};
  const auto model = *Predictor::Load(folder.path(), "cpu", InferencePrecision::kFp32, batching);
  const auto maps = model->Attention(images, /*pictures=*/true);
  ASSERT_THAT(maps, IsOk());
  EXPECT_THAT(batches, testing::ElementsAre(2, 2, 1));
  EXPECT_EQ(maps->images.size(), images.size());
  EXPECT_EQ(maps->heads.shape, (std::vector<int64_t>{5, 2, 2, 3}));
  for (size_t i = 0; i < images.size(); ++i) {
    const auto alone = model->Attention({images[i]}, /*pictures=*/false);
    const auto first = maps->heads.values.begin() + static_cast<int64_t>(i) * 12;
    EXPECT_THAT(std::vector<float>(first, first + 12),
                testing::Pointwise(testing::FloatNear(1e-5F), alone->heads.values));
  }
}

TEST(Embed, GivesEveryPatchTokenAsTheLastBlockAndNormLeaveThem) {
  const OpenModel model(TwoBlocks(TinyAutoencoder()));
  const auto patches = model.predictor->Embed(TwoImages(), {EmbeddingPool::kPatches, false});
  ASSERT_THAT(patches, IsOk());
  EXPECT_EQ(patches->shape, (std::vector<int64_t>{2, 6, 16}));
  for (int64_t i = 0; i < 2; ++i) {
    auto x = FirstTokens(model, std::get<FloatTensor>(TwoImages()[i]));
    RunBlock(model, "blocks.0", x);
    RunBlock(model, "blocks.1", x);
    EXPECT_TRUE(torch::allclose(torch::tensor(patches->values).view({2, 6, 16})[i],
                                NormOf(model, "norm", x).slice(0, 1), 1e-4, 1e-4));
  }
}

TEST(Embed, NormalisesEachPatchTokenByItself) {
  for (const auto& config : {TinyAutoencoder(), TinyClassifier()}) {
    const OpenModel model(config);
    const auto plain = model.predictor->Embed(TwoImages(), {EmbeddingPool::kPatches, false});
    const auto unit = model.predictor->Embed(TwoImages(), {EmbeddingPool::kPatches, true});
    ASSERT_THAT(unit, IsOk());
    const auto tokens = torch::tensor(plain->values).view({2, 6, 16});
    EXPECT_TRUE(torch::allclose(torch::tensor(unit->values).view({2, 6, 16}),
                                tokens / tokens.square().sum(-1, true).sqrt(), 1e-4, 1e-5));
  }
}

}  // namespace
}  // namespace mae
