#include "train/finetune_task.h"

#include <gtest/gtest.h>

#include "checkpoint/model_folder.h"
#include "models/masked_autoencoder.h"
#include "nn/position_embedding.h"
#include "tests/fakes/status_matchers.h"
#include "tests/train/cpu_device.h"
#include "tests/train/tiny_job.h"
#include "train/soft_target_loss.h"

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

// Labels 0 0 0 0 1 2 3 1: no image has its partner's label.
Batch EightImages() {
  torch::manual_seed(3);
  return {torch::randn({8, 1, 12, 12}), torch::tensor({0, 0, 0, 0, 1, 2, 3, 1}), {4, 5, 6, 7, 8, 9, 10, 11}};
}

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

TEST_F(FinetuneTaskTest, OfAnotherImageSizeTakesThePositionsResampled) {
  JobOptions options = FromPretrained();
  auto& finetune = std::get<FinetuneOptions>(options.kind);
  finetune.model.encoder.image_height = 24;
  finetune.model.encoder.image_width = 20;
  const auto source = pretrained_->named_parameters();
  for (const auto resampling : {PositionResampling::kBicubic, PositionResampling::kBicubicAntialiased}) {
    finetune.position_resampling = resampling;
    const auto task = FinetuneTask::Create(options, kLabels, kCpu);
    ASSERT_THAT(task, IsOk());
    const auto parameters = (*task)->model().named_parameters();
    EXPECT_TRUE(parameters["blocks.1.mlp.fc2.bias"].equal(source["blocks.1.mlp.fc2.bias"]));
    const auto expected = ResamplePositionEmbedding(source["pos_embed"].detach(), 3, 3, 6, 5,
                                                    resampling == PositionResampling::kBicubicAntialiased);
    EXPECT_TRUE(parameters["pos_embed"].equal(expected));
    EXPECT_TRUE(parameters["pos_embed"].requires_grad());
  }
}

TEST_F(FinetuneTaskTest, OfAnotherImageSizeStillRefusesOtherWidthsAndPatches) {
  JobOptions options = FromPretrained();
  auto& encoder = std::get<FinetuneOptions>(options.kind).model.encoder;
  encoder.image_height = encoder.image_width = 24;
  encoder.embed_dim = 32;
  EXPECT_THAT(FinetuneTask::Create(options, kLabels, kCpu),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("pos_embed")));
  encoder.embed_dim = 16;
  encoder.patch_size = 6;
  EXPECT_THAT(FinetuneTask::Create(options, kLabels, kCpu),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("patch_embed.proj.weight")));
}

TEST_F(FinetuneTaskTest, WithoutMixingATrainingBatchIsWhatTheLoaderGave) {
  const auto task = FinetuneTask::Create(job_.Finetune(), kLabels, kCpu).value();
  const auto batch = EightImages();
  const auto prepared = task->Prepare(batch, 0);
  EXPECT_TRUE(prepared.images.is_same(batch.images));
  EXPECT_FALSE(prepared.targets.defined());
}

TEST_F(FinetuneTaskTest, LabelSmoothingAloneChangesTheTargetsAndTheTrainingLossOnly) {
  JobOptions options = job_.Finetune();
  options.augmentation.label_smoothing = 0.2;
  const auto task = FinetuneTask::Create(options, kLabels, kCpu).value();
  const auto batch = EightImages();
  const auto prepared = task->Prepare(batch, 0);
  EXPECT_TRUE(prepared.images.is_same(batch.images));
  EXPECT_TRUE(prepared.targets.equal(SmoothedTargets(batch.labels, 4, 0.2)));
  const auto logits = dynamic_cast<VisionTransformerImpl&>(task->model()).forward(batch.images);
  const auto hard = torch::nn::functional::cross_entropy(logits, batch.labels);
  const auto uniform = -torch::log_softmax(logits, 1).mean();
  EXPECT_NEAR(task->Train(prepared, 0).loss.item<double>(), (0.8 * hard + 0.2 * uniform).item<double>(),
              1e-5);
  EXPECT_NEAR(task->Validate(batch).loss.item<double>(), hard.item<double>(), 1e-6);
}

TEST_F(FinetuneTaskTest, MixesAnewInEachEpochAndCountsTheDominantLabel) {
  JobOptions options = job_.Finetune();
  options.augmentation.mixup_alpha = 0.8;
  options.augmentation.cutmix_alpha = 1.0;
  const auto task = FinetuneTask::Create(options, kLabels, kCpu).value();
  const auto batch = EightImages();
  EXPECT_TRUE(task->Prepare(batch, 5).images.equal(task->Prepare(batch, 5).images));
  EXPECT_FALSE(task->Prepare(batch, 5).images.equal(task->Prepare(batch, 6).images));
  bool swapped = false, kept = false;
  for (int64_t epoch = 0; epoch < 20; ++epoch) {
    const auto prepared = task->Prepare(batch, epoch);
    const auto share = prepared.targets.gather(1, prepared.labels.unsqueeze(1)).squeeze(1);
    EXPECT_TRUE(share.equal(std::get<0>(prepared.targets.max(1)))) << "or as large as the largest, at halves";
    kept |= prepared.labels.equal(batch.labels);
    swapped |= prepared.labels.equal(batch.labels.flip(0));
  }
  EXPECT_TRUE(kept && swapped);
}

TEST_F(FinetuneTaskTest, NamesTensorsOfAnotherShape) {
  JobOptions options = FromPretrained();
  std::get<FinetuneOptions>(options.kind).model.encoder.embed_dim = 32;
  EXPECT_THAT(FinetuneTask::Create(options, kLabels, kCpu),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("blocks.0.attn.qkv.weight"), HasSubstr(folder().string()),
                             HasSubstr("from_model"))));
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
