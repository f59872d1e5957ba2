#include "tests/fakes/random_model.h"

#include <torch/torch.h>

#include <memory>
#include <stdexcept>

#include "checkpoint/model_folder.h"
#include "models/make_module.h"

namespace mae {
namespace {

EncoderOptions TinyEncoder(int64_t channels) {
  EncoderOptions encoder;
  encoder.channels = channels;
  encoder.image_height = 8, encoder.image_width = 12, encoder.patch_size = 4;
  encoder.embed_dim = 16, encoder.depth = 1, encoder.num_heads = 2;
  return encoder;
}

ModelConfig WithStatistics(ModelConfig config, int64_t channels) {
  config.mean.assign(static_cast<size_t>(channels), 0.25);
  config.std_dev.assign(static_cast<size_t>(channels), 0.5);
  return config;
}

}  // namespace

ModelConfig TinyAutoencoder(int64_t channels, bool norm_pix_loss) {
  return WithStatistics(
      {MaskedAutoencoderOptions{TinyEncoder(channels), {8, 1, 2}, 0.5, norm_pix_loss}, {}, {}, {}}, channels);
}

ModelConfig TinyClassifier(int64_t channels) {
  return WithStatistics({VisionTransformerOptions{TinyEncoder(channels), 3}, {}, {}, {"cat", "dog", "emu"}},
                        channels);
}

void WriteRandomModel(const std::filesystem::path& folder, const ModelConfig& config, const ModelCard& card,
                      uint64_t seed) {
  torch::manual_seed(seed);
  const auto written = WriteModelFolder(folder, *MakeModule(config), config, card);
  if (!written.ok()) throw std::runtime_error(written.ToString());
}

}  // namespace mae
