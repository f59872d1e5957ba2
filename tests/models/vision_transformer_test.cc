#include "models/vision_transformer.h"

#include <gtest/gtest.h>

namespace mae {
namespace {

VisionTransformerOptions Tutorial() {
  VisionTransformerOptions options;
  options.encoder.embed_dim = 768, options.encoder.depth = 12, options.encoder.num_heads = 12;
  options.encoder.position_embedding = PositionEmbedding::kLearned;
  return options;
}

VisionTransformerOptions Tiny() {
  VisionTransformerOptions options;
  options.encoder.channels = 1;
  options.encoder.image_height = 12, options.encoder.image_width = 8;
  options.encoder.embed_dim = 16, options.encoder.depth = 2, options.encoder.num_heads = 2;
  options.num_classes = 4;
  return options;
}

int64_t CountParameters(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

TEST(VisionTransformer, TheTutorialsClassifierHasItsShapesAndSize) {
  torch::NoGradGuard no_grad;
  VisionTransformer model(Tutorial());
  EXPECT_EQ(model->forward(torch::randn({2, 3, 32, 32})).sizes(), (std::vector<int64_t>{2, 10}));
  EXPECT_EQ(CountParameters(*model), 85152010);
}

TEST(VisionTransformer, PublishedSizesOfTinyAndSmall) {
  auto options = Tutorial();
  options.encoder.embed_dim = 192, options.encoder.num_heads = 3;
  EXPECT_EQ(CountParameters(*VisionTransformer(options)), 5362762);
  options.encoder.embed_dim = 384, options.encoder.num_heads = 6;
  EXPECT_EQ(CountParameters(*VisionTransformer(options)), 21342346);
}

TEST(VisionTransformer, NamesFollowThePooling) {
  auto options = Tiny();
  const auto mean = VisionTransformer(options)->named_parameters();
  EXPECT_TRUE(mean.contains("fc_norm.weight") && !mean.contains("norm.weight"));
  options.pooling = Pooling::kToken;
  const auto token = VisionTransformer(options)->named_parameters();
  EXPECT_TRUE(token.contains("norm.weight") && !token.contains("fc_norm.weight"));
}

TEST(VisionTransformer, EveryParameterIsTrainedUnderMeanPooling) {
  torch::manual_seed(1);
  VisionTransformer model(Tiny());
  model->forward(torch::randn({2, 1, 12, 8})).sum().backward();
  for (const auto& item : model->named_parameters()) {
    EXPECT_TRUE(item.value().grad().defined()) << item.key();
  }
}

TEST(VisionTransformer, DropPathActsInTrainingOnly) {
  torch::manual_seed(2);
  auto options = Tiny();
  options.drop_path = 0.9;
  VisionTransformer model(options);
  const auto images = torch::randn({16, 1, 12, 8});
  EXPECT_FALSE(model->forward(images).equal(model->forward(images)));
  model->eval();
  EXPECT_TRUE(model->forward(images).equal(model->forward(images)));
}

// On one thread a pass, as models are served: several threads cut an operation at other places in another
// batch.
TEST(VisionTransformer, LogitsAreTheSameInAnyBatch) {
  const torch::NoGradGuard no_grad;
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  for (const int64_t classes : {4, 1000}) {
    auto options = Tiny();
    options.num_classes = classes;
    VisionTransformer model(options);
    model->eval();
    const auto images = torch::randn({9, 1, 12, 8});
    const auto together = model->forward(images);
    for (int64_t first = 0; first < 9; ++first) {
      for (int64_t end = first + 1; end <= 9; ++end) {
        EXPECT_TRUE(torch::equal(model->forward(images.slice(0, first, end)), together.slice(0, first, end)))
            << classes << ' ' << first << ' ' << end;
      }
    }
  }
  at::set_num_threads(threads);
}

TEST(VisionTransformer, WithoutAHeadItGivesTheFeatures) {
  auto options = Tiny();
  options.num_classes = 0;
  VisionTransformer model(options);
  EXPECT_EQ(model->forward(torch::randn({3, 1, 12, 8})).sizes(), (std::vector<int64_t>{3, 16}));
}

TEST(VisionTransformer, NormalizeOfThePooledTokensIsTheFeatures) {
  torch::manual_seed(3);
  auto options = Tiny();
  const auto images = torch::randn({3, 1, 12, 8});
  VisionTransformer mean(options);
  EXPECT_TRUE(mean->Normalize(mean->Tokens(images).slice(1, 1).mean(1)).allclose(mean->Features(images)));
  options.pooling = Pooling::kToken;
  VisionTransformer token(options);
  EXPECT_TRUE(token->Normalize(token->Tokens(images)).select(1, 0).allclose(token->Features(images)));
}

TEST(VisionTransformer, ALinearProbesHeadNormalisesBatchesWithoutWeightsOfItsOwn) {
  torch::manual_seed(4);
  auto options = Tiny();
  options.batch_norm_head = true;
  VisionTransformer model(options);
  std::vector<std::string> head;
  for (const auto& item : model->named_parameters()) {
    if (item.key().rfind("head", 0) == 0) head.push_back(item.key());
  }
  EXPECT_EQ(head, (std::vector<std::string>{"head.1.weight", "head.1.bias"}));
  for (const char* name : {"head.0.running_mean", "head.0.running_var", "head.0.num_batches_tracked"}) {
    EXPECT_TRUE(model->named_buffers().contains(name)) << name;
  }
  const auto features = 3.0 + 5.0 * torch::randn({64, 16});
  const auto parameters = model->named_parameters();
  const auto standard = (features - features.mean(0)) / (features.var(0, /*unbiased=*/false) + 1e-6).sqrt();
  const auto wanted = standard.matmul(parameters["head.1.weight"].t()) + parameters["head.1.bias"];
  EXPECT_TRUE(model->Classify(features).allclose(wanted, 1e-4, 1e-5));
  model->eval();
  EXPECT_FALSE(model->Classify(features).allclose(wanted, 1e-4, 1e-5)) << "by the running statistics";
}

}  // namespace
}  // namespace mae
