#include "tests/optim/reference_run.h"

#include <cstdlib>
#include <fstream>

#include "checkpoint/safetensors.h"

namespace mae {
namespace {

std::string ReferenceFile(const std::string& name) {
  return std::string(std::getenv("MAE_SOURCE_DIR")) + "/tests/optim/reference/" + name;
}

}  // namespace

ReferenceRun::ReferenceRun() {
  const Safetensors file = ReadSafetensors(ReferenceFile("optimizers.safetensors")).value();
  tensors_ = {file.tensors.begin(), file.tensors.end()};
}

VisionTransformer ReferenceRun::Model(Pooling pooling, double drop_path) const {
  EncoderOptions encoder;
  encoder.channels = 1;
  encoder.image_height = encoder.image_width = 8;
  encoder.patch_size = 4;
  encoder.embed_dim = 8;
  encoder.depth = 2;
  encoder.num_heads = 2;
  encoder.mlp_ratio = 2.0;
  encoder.position_embedding = PositionEmbedding::kLearned;
  VisionTransformer model(VisionTransformerOptions{encoder, 3, pooling, drop_path});
  const torch::NoGradGuard no_grad;
  for (auto& parameter : model->named_parameters()) {
    const auto start = tensors_.find("start." + parameter.key());
    if (start != tensors_.end()) parameter.value().copy_(start->second);
  }
  return model;
}

void ReferenceRun::Step(VisionTransformer& model, Optimizer& optimizer, int64_t step) const {
  for (auto& parameter : model->named_parameters()) {
    const auto name = "gradient." + std::to_string(step) + "." + parameter.key();
    parameter.value().mutable_grad() = tensors_.at(name).clone();
  }
  optimizer.Step(kRates[step]);
}

testing::AssertionResult ReferenceRun::Equals(VisionTransformer& model, const std::string& prefix,
                                              int64_t step) const {
  for (const auto& parameter : model->named_parameters()) {
    const auto& wanted = tensors_.at(prefix + "." + std::to_string(step) + "." + parameter.key());
    if (torch::allclose(parameter.value(), wanted, /*rtol=*/1e-5, /*atol=*/1e-6)) continue;
    return testing::AssertionFailure() << parameter.key() << " after step " << step << " differs by "
                                       << (parameter.value() - wanted).abs().max().item<double>();
  }
  return testing::AssertionSuccess();
}

nlohmann::json ReferenceJson(const std::string& name) {
  std::ifstream file(ReferenceFile(name + ".json"));
  return nlohmann::json::parse(file);
}

}  // namespace mae
