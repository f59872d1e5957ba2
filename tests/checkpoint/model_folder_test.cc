#include "checkpoint/model_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/durable_file.h"
#include "models/masked_autoencoder.h"
#include "models/vision_transformer.h"
#include "options/model_json.h"
#include "tests/checkpoint/whole_file.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

EncoderOptions SmallEncoder() {
  EncoderOptions encoder;
  encoder.image_height = encoder.image_width = 8;
  encoder.embed_dim = 16;
  encoder.depth = 1;
  encoder.num_heads = 2;
  return encoder;
}

ModelConfig AutoencoderConfig() {
  return {MaskedAutoencoderOptions{SmallEncoder(), {8, 1, 2}}, {0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}, {}};
}

MaskedAutoencoder MakeAutoencoder(uint64_t seed) {
  torch::manual_seed(seed);
  return MaskedAutoencoder(std::get<MaskedAutoencoderOptions>(AutoencoderConfig().model));
}

VisionTransformer MakeClassifier(int64_t classes) {
  return VisionTransformer(VisionTransformerOptions{SmallEncoder(), classes});
}

std::vector<std::string> NamesOf(const NamedTensors& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  return names;
}

bool Same(const NamedTensors& a, const NamedTensors& b) {
  if (NamesOf(a) != NamesOf(b)) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!torch::equal(a[i].second, b[i].second)) return false;
  }
  return true;
}

TEST(ModelState, HasTheOfficialNamesAndFrozenPositionsToo) {
  const auto names = NamesOf(StateOf(*MakeAutoencoder(1)));
  for (const char* name : {"cls_token", "pos_embed", "mask_token", "decoder_pos_embed",
                           "patch_embed.proj.weight", "blocks.0.attn.qkv.weight", "decoder_pred.bias"}) {
    EXPECT_THAT(names, Contains(name));
  }
}

TEST(ModelState, SharesMemoryWithTheModule) {
  auto model = MakeAutoencoder(1);
  const auto state = StateOf(*model);
  EXPECT_FALSE(state[0].second.requires_grad());
  torch::NoGradGuard no_grad;
  model->parameters()[0].fill_(7.0);
  EXPECT_EQ(state[0].second.flatten()[0].item<float>(), 7.0F);
}

TEST(ModelState, BuffersAreSavedAndLoadedToo) {
  torch::nn::BatchNorm1d from(3), to(3);
  from->running_mean.fill_(2.0);
  EXPECT_THAT(NamesOf(StateOf(*from)),
              UnorderedElementsAre("weight", "bias", "running_mean", "running_var", "num_batches_tracked"));
  ASSERT_THAT(LoadState(StateOf(*from), *to), IsOk());
  EXPECT_EQ(to->running_mean[0].item<float>(), 2.0F);
}

TEST(LoadState, CopiesValuesAndConvertsTypes) {
  auto from = MakeAutoencoder(1), to = MakeAutoencoder(2);
  ASSERT_FALSE(Same(StateOf(*from), StateOf(*to)));
  NamedTensors doubles;
  for (const auto& [name, tensor] : StateOf(*from)) doubles.emplace_back(name, tensor.to(torch::kFloat64));
  ASSERT_THAT(LoadState(doubles, *to), IsOk());
  EXPECT_TRUE(Same(StateOf(*from), StateOf(*to)));
  EXPECT_EQ(to->parameters()[0].scalar_type(), torch::kFloat32);
  EXPECT_TRUE(to->parameters()[0].requires_grad());
}

TEST(LoadState, NamesEveryMissingAndMisshapenTensorAndChangesNothing) {
  auto model = MakeClassifier(10);
  const auto before = StateOf(*model);
  NamedTensors copies;
  for (const auto& [name, tensor] : before) copies.emplace_back(name, tensor.clone());
  EXPECT_THAT(LoadState(StateOf(*MakeAutoencoder(1)), *model),
              StatusIs(kInvalid, AllOf(HasSubstr("head.weight is missing"), HasSubstr("head.bias is missing"),
                                       HasSubstr("fc_norm.weight is missing"), Not(HasSubstr("blocks.0")))));
  EXPECT_THAT(LoadState(StateOf(*MakeClassifier(7)), *model),
              StatusIs(kInvalid, AllOf(HasSubstr("head.weight is [7,16], the model's is [10,16]"),
                                       HasSubstr("head.bias is [7], the model's is [10]"))));
  EXPECT_TRUE(Same(StateOf(*model), copies));
}

TEST(LoadState, AllowedNamesMayBeMissingAndExtrasAreIgnored) {
  auto model = MakeClassifier(10);
  auto pretrained = MakeAutoencoder(1);
  const auto head = model->named_parameters()["head.weight"].detach().clone();
  ASSERT_THAT(
      LoadState(StateOf(*pretrained), *model, {"head.weight", "head.bias", "fc_norm.weight", "fc_norm.bias"}),
      IsOk());
  EXPECT_TRUE(torch::equal(model->named_parameters()["head.weight"], head));
  EXPECT_TRUE(torch::equal(model->named_parameters()["blocks.0.mlp.fc1.weight"],
                           pretrained->named_parameters()["blocks.0.mlp.fc1.weight"]));
}

TEST(LoadState, AllowedNameOfAnotherShapeIsStillRefused) {
  auto model = MakeClassifier(10);
  EXPECT_THAT(LoadState(StateOf(*MakeClassifier(7)), *model, {"head.weight", "head.bias"}),
              StatusIs(kInvalid, HasSubstr("head.weight is [7,16]")));
}

TEST(ModelFolder, KeepsWeightsConfigAndCard) {
  const TempFolder folder;
  auto model = MakeAutoencoder(1);
  ModelCard card;
  card.job = "jobs/j1";
  card.metrics["loss"] = 0.25;
  const auto path = folder / "models/m/1";
  ASSERT_THAT(WriteModelFolder(path, *model, AutoencoderConfig(), card), IsOk());

  EXPECT_THAT(ReadModelConfig(path), IsOkAndHolds(AutoencoderConfig()));
  const auto read = ReadSafetensors(path / "model.safetensors");
  ASSERT_THAT(read, IsOk());
  auto other = MakeAutoencoder(2);
  ASSERT_THAT(LoadState(read->tensors, *other), IsOk());
  EXPECT_TRUE(Same(StateOf(*model), StateOf(*other)));

  const auto written = ModelCardFromJson(Slurp(path / "card.json"));
  ASSERT_THAT(written, IsOk());
  EXPECT_EQ(written->job, "jobs/j1");
  EXPECT_EQ(written->metrics.at("loss"), 0.25);
  EXPECT_EQ(written->sha256, Sha256Hex(Slurp(path / "model.safetensors")));
  int64_t parameters = 0;
  for (const auto& [name, tensor] : StateOf(*model)) parameters += tensor.numel();
  EXPECT_EQ(written->parameters, parameters);
}

TEST(ModelFolder, ConfigErrorsNameTheFile) {
  const TempFolder folder;
  EXPECT_THAT(ReadModelConfig(folder.path()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("config.json")));
  Spill(folder / "config.json", R"({"kind": "masked_autoencoder"})");
  EXPECT_THAT(
      ReadModelConfig(folder.path()),
      StatusIs(kInvalid, AllOf(HasSubstr(folder.path().string() + "/config.json"), HasSubstr("encoder"))));
}

TEST(ModelFolder, UnwritablePlaceIsAnErrorThatNamesIt) {
  const TempFolder folder;
  Spill(folder / "file", "");
  EXPECT_THAT(WriteModelFolder(folder / "file/m", *MakeAutoencoder(1), AutoencoderConfig(), {}),
              StatusIs(Not(absl::StatusCode::kOk), HasSubstr("file/m")));
}

}  // namespace
}  // namespace mae
