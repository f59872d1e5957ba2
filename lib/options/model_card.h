#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "options/model_options.h"

namespace mae {

/// What a serving process must know of a model beside its weights: the content of config.json.
struct ModelConfig {
  std::variant<MaskedAutoencoderOptions, VisionTransformerOptions> model;
  std::vector<double> mean;         ///< a channel, of pixel values in 0..1
  std::vector<double> std_dev;      ///< a channel
  std::vector<std::string> labels;  ///< class names; empty where unknown

  bool is_autoencoder() const { return std::holds_alternative<MaskedAutoencoderOptions>(model); }
  const EncoderOptions& encoder() const {
    return is_autoencoder() ? std::get<MaskedAutoencoderOptions>(model).encoder
                            : std::get<VisionTransformerOptions>(model).encoder;
  }
  /// "masked_autoencoder" or "vision_transformer".
  const char* kind_name() const { return is_autoencoder() ? "masked_autoencoder" : "vision_transformer"; }

  bool operator==(const ModelConfig&) const = default;
};

/// Where a model came from: the content of card.json.
struct ModelCard {
  std::string job, recipe, dataset;
  std::string parent;                     ///< models/{model}/versions/{n} that it was fine-tuned from
  std::map<std::string, double> metrics;  ///< the last value of each
  int64_t parameters = 0;
  std::string sha256;        ///< of model.safetensors, hexadecimal
  std::string source = {};   ///< where an imported model's weights came from; empty: trained here
  std::string license = {};  ///< of an imported model, in its importer's words

  bool operator==(const ModelCard&) const = default;
};

}  // namespace mae
