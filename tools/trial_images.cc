#include "tools/trial_images.h"

#include "tests/fakes/random_model.h"

namespace mae {

Picture TrialPicture(int64_t index, int64_t side) {
  Picture picture{side, side, 3, {}};
  picture.pixels.resize(static_cast<size_t>(side * side * 3));
  uint64_t state = static_cast<uint64_t>(index) * 2654435761u + 1;
  for (auto& pixel : picture.pixels) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    pixel = static_cast<uint8_t>(state >> 56);
  }
  return picture;
}

v1::ClassifyRequest TrialRequest(const std::string& model, int64_t index) {
  v1::ClassifyRequest request;
  request.set_model(model);
  request.set_logits(true);
  request.add_images()->set_encoded(*EncodePng(TrialPicture(index, 32)));
  return request;
}

void MakeTrialModel(const std::string& folder, uint64_t seed) {
  VisionTransformerOptions options;
  options.encoder.image_height = options.encoder.image_width = 32;
  options.encoder.patch_size = 4;
  options.encoder.channels = 3;
  options.encoder.embed_dim = 192;
  options.encoder.depth = 12;
  options.encoder.num_heads = 3;
  options.num_classes = 10;
  ModelConfig config;
  config.model = options;
  config.mean = config.std_dev = {0.5, 0.5, 0.5};
  WriteRandomModel(folder, config, ModelCard(), seed);
}

}  // namespace mae
