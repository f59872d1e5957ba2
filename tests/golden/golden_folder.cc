#include "tests/golden/golden_folder.h"

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "checkpoint/model_folder.h"
#include "checkpoint/safetensors.h"

namespace mae {
namespace {

std::string PathFromEnvironment() {
  if (const char* path = std::getenv("MAE_GOLDEN_DIR"); path != nullptr && *path != '\0') return path;
  const char* source = std::getenv("MAE_SOURCE_DIR");
  return std::string(source == nullptr ? "." : source) + "/tests/golden/reference";
}

NamedTensors ReadTensors(const std::string& path) {
  auto file = ReadSafetensors(path);
  if (!file.ok()) throw std::runtime_error(file.status().ToString());
  return std::move(file->tensors);
}

// One number for a square image, or [height, width].
std::pair<int64_t, int64_t> ImageSize(const nlohmann::json& value) {
  if (value.is_array()) return {value.at(0).get<int64_t>(), value.at(1).get<int64_t>()};
  return {value.get<int64_t>(), value.get<int64_t>()};
}

MaskedAutoencoderOptions OptionsFrom(const nlohmann::json& config) {
  MaskedAutoencoderOptions options;
  auto& encoder = options.encoder;
  std::tie(encoder.image_height, encoder.image_width) = ImageSize(config.at("img_size"));
  encoder.patch_size = config.at("patch_size");
  encoder.channels = config.at("in_chans");
  encoder.embed_dim = config.at("embed_dim");
  encoder.depth = config.at("depth");
  encoder.num_heads = config.at("num_heads");
  encoder.mlp_ratio = config.at("mlp_ratio");
  encoder.layer_norm_eps = config.at("layer_norm_eps");
  encoder.qkv_bias = config.value("qkv_bias", true);
  options.decoder.embed_dim = config.at("decoder_embed_dim");
  options.decoder.depth = config.at("decoder_depth");
  options.decoder.num_heads = config.at("decoder_num_heads");
  return options;
}

}  // namespace

const GoldenFolder& GoldenFolder::Get() {
  static const GoldenFolder folder(PathFromEnvironment());
  return folder;
}

GoldenFolder::GoldenFolder(std::string path) : path_(std::move(path)) {
  std::ifstream file(path_ + "/config.json");
  if (!file) throw std::runtime_error("golden folder: cannot read " + path_ + "/config.json");
  const auto config = nlohmann::json::parse(file);
  autoencoder_ = OptionsFrom(config);
  num_classes_ = config.at("num_classes");
  for (auto& [name, tensor] : ReadTensors(path_ + "/reference.safetensors")) references_[name] = tensor;
}

const torch::Tensor& GoldenFolder::reference(const std::string& name) const {
  const auto found = references_.find(name);
  if (found == references_.end()) throw std::runtime_error(path_ + "/reference.safetensors has no " + name);
  return found->second;
}

void GoldenFolder::LoadWeights(const std::string& file, torch::nn::Module& module) const {
  const auto status = LoadState(ReadTensors(path_ + "/" + file), module);
  if (!status.ok()) throw std::runtime_error(file + ": " + status.ToString());
}

testing::AssertionResult RelativelyNear(const torch::Tensor& actual, const torch::Tensor& expected,
                                        double tolerance) {
  if (actual.numel() != expected.numel()) {
    return testing::AssertionFailure()
           << "shape " << actual.sizes() << " where " << expected.sizes() << " is expected";
  }
  const auto want = expected.to(torch::kFloat64).flatten();
  const double scale = want.abs().max().item<double>();
  const double error = (actual.detach().to(torch::kFloat64).flatten() - want).abs().max().item<double>();
  if (error <= tolerance * scale) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "differs by " << error << ", which is " << error / scale
                                     << " of the largest value " << scale << "; allowed " << tolerance;
}

}  // namespace mae
