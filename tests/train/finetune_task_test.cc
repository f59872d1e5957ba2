#include "train/finetune_task.h"

#include <gtest/gtest.h>

#include "checkpoint/model_folder.h"
#include "models/masked_autoencoder.h"
#include "tests/fakes/status_matchers.h"
#include "tests/train/cpu_device.h"
#include "tests/train/tiny_job.h"

namespace mae {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::vector<std::string> kLabels = {"a", "b", "c", "d"};

class FinetuneTaskTest : public testing::Test {
 protected:
  void SetUp() override {
    torch::manual_seed(11);
    const auto options = std::get<PretrainOptions>(job_.Pretrain().kind).model;
    pretrained_ = MaskedAutoencoder(options);
    ASSERT_THAT(WriteModelFolder(folder(), *pretrained_, ModelConfig{options, {0.5}, {0.25}, {}}, {}),
                IsOk());
  }

  std::filesystem::path folder() const { return job_.root() / "pretrained"; }

  JobOptions FromPretrained() const {
    JobOptions options = job_.Finetune();
    std::get<FinetuneOptions>(options.kind).from_weights = folder();
    return options;
  }

  TinyJob job_;
  MaskedAutoencoder pretrained_ = nullptr;
};

TEST_F(FinetuneTaskTest, TakesTheEncoderAndDrawsANearlySilentHead) {
  const auto task = FinetuneTask::Create(FromPretrained(), kLabels, kCpu);
  ASSERT_THAT(task, IsOk());
  const auto parameters = (*task)->model().named_parameters();
  const auto source = pretrained_->named_parameters();
  for (const auto* name : {"cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.1.mlp.fc2.bias"}) {
    EXPECT_TRUE(torch::equal(parameters[name], source[name])) << name;
  }
  EXPECT_TRUE(parameters["pos_embed"].requires_grad());
  EXPECT_LT(parameters["head.weight"].abs().max().item<double>(), 2e-4);
  EXPECT_GT(parameters["head.weight"].abs().max().item<double>(), 0.0);
  EXPECT_TRUE(torch::equal(parameters["fc_norm.weight"], torch::ones({16})));
}

TEST_F(FinetuneTaskTest, FromScratchKeepsTheModelsOwnStart) {
  const auto task = FinetuneTask::Create(job_.Finetune(), kLabels, kCpu);
  ASSERT_THAT(task, IsOk());
  const auto parameters = (*task)->model().named_parameters();
  EXPECT_NEAR(parameters["head.weight"].std().item<double>(), 0.02, 0.01);
}

TEST_F(FinetuneTaskTest, TakesAClassifierWithAnotherHead) {
  auto options = std::get<FinetuneOptions>(job_.Finetune().kind).model;
  options.num_classes = 7;
  VisionTransformer classifier(options);
  ASSERT_THAT(WriteModelFolder(folder(), *classifier, ModelConfig{options, {0.5}, {0.25}, {}}, {}), IsOk());
  const auto task = FinetuneTask::Create(FromPretrained(), kLabels, kCpu);
  ASSERT_THAT(task, IsOk());
  EXPECT_TRUE(torch::equal((*task)->model().named_parameters()["blocks.0.attn.qkv.weight"],
                           classifier->named_parameters()["blocks.0.attn.qkv.weight"]));
  EXPECT_EQ((*task)->model().named_parameters()["head.weight"].size(0), 4);
}

TEST_F(FinetuneTaskTest, NamesTensorsOfAnotherShape) {
  JobOptions options = FromPretrained();
  std::get<FinetuneOptions>(options.kind).model.encoder.embed_dim = 32;
  EXPECT_THAT(FinetuneTask::Create(options, kLabels, kCpu),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("blocks.0.attn.qkv.weight"), HasSubstr(folder().string()),
                             HasSubstr("finetune.from_model"))));
}

TEST_F(FinetuneTaskTest, NamesMissingBlocks) {
  JobOptions options = FromPretrained();
  std::get<FinetuneOptions>(options.kind).model.encoder.depth = 3;
  EXPECT_THAT(FinetuneTask::Create(options, kLabels, kCpu),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("blocks.2.attn.qkv.weight")));
}

TEST_F(FinetuneTaskTest, RefusesAnotherNumberOfHeadsThatNoShapeShows) {
  JobOptions options = FromPretrained();
  std::get<FinetuneOptions>(options.kind).model.encoder.num_heads = 4;
  EXPECT_THAT(FinetuneTask::Create(options, kLabels, kCpu),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("num_heads is 4")));
}

TEST_F(FinetuneTaskTest, NamesAFolderThatIsNotThere) {
  JobOptions options = FromPretrained();
  std::get<FinetuneOptions>(options.kind).from_weights = job_.root() / "nowhere";
  EXPECT_THAT(FinetuneTask::Create(options, kLabels, kCpu),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("nowhere")));
}

TEST_F(FinetuneTaskTest, MeasuresCrossEntropyAndWhatIsRight) {
  const auto task = FinetuneTask::Create(FromPretrained(), kLabels, kCpu);
  ASSERT_THAT(task, IsOk());
  const torch::NoGradGuard no_grad;
  (*task)->model().eval();
  const auto images = torch::randn({8, 1, 12, 12});
  auto& model = dynamic_cast<VisionTransformerImpl&>((*task)->model());
  const auto labels = model.forward(images).argmax(1);
  const auto right = (*task)->Validate({images, labels, {}});
  EXPECT_EQ(right.correct.item<double>(), 8.0);
  EXPECT_NEAR(right.loss.item<double>(), std::log(4.0), 1e-3)
      << "the silent head gives every class its equal share";
  EXPECT_EQ((*task)->Validate({images, (labels + 1).remainder(4), {}}).correct.item<double>(), 0.0);
}

TEST_F(FinetuneTaskTest, DrawsNothing) {
  const auto task = FinetuneTask::Create(job_.Finetune(), kLabels, kCpu);
  ASSERT_THAT(task, IsOk());
  EXPECT_FALSE((*task)->draws());
  EXPECT_THAT((*task)->Draw({}), StatusIs(absl::StatusCode::kUnimplemented));
}

}  // namespace
}  // namespace mae
