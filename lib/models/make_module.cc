#include "models/make_module.h"

#include "models/masked_autoencoder.h"
#include "models/vision_transformer.h"

namespace mae {

std::shared_ptr<torch::nn::Module> MakeModule(const ModelConfig& config) {
  if (const auto* options = std::get_if<MaskedAutoencoderOptions>(&config.model)) {
    return std::make_shared<MaskedAutoencoderImpl>(*options);
  }
  return std::make_shared<VisionTransformerImpl>(std::get<VisionTransformerOptions>(config.model));
}

}  // namespace mae
