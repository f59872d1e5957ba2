// Agreement in fp32 with the public classifiers (mean and class-token pooling), on the tensors of a golden
// folder.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "models/vision_transformer.h"
#include "tests/golden/golden_folder.h"

namespace mae {
namespace {

torch::Tensor Logits(Pooling pooling, const std::string& weights) {
  const auto& golden = GoldenFolder::Get();
  VisionTransformerOptions options;
  options.encoder = golden.autoencoder().encoder;
  options.num_classes = golden.num_classes();
  options.pooling = pooling;
  VisionTransformer model(options);
  golden.LoadWeights(weights, *model);
  model->eval();
  torch::NoGradGuard no_grad;
  return model->forward(golden.reference("imgs"));
}

TEST(OfficialClassifier, MeanPoolingAgrees) {
  EXPECT_TRUE(RelativelyNear(Logits(Pooling::kMean, "vit_avg_weights.safetensors"),
                             GoldenFolder::Get().reference("vit_avg.logits")));
}

TEST(OfficialClassifier, ClassTokenPoolingAgrees) {
  EXPECT_TRUE(RelativelyNear(Logits(Pooling::kToken, "vit_token_weights.safetensors"),
                             GoldenFolder::Get().reference("vit_token.logits")));
}

}  // namespace
}  // namespace mae
