#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mae {

/// What weights alone do not tell of a model. Whatever is left open is taken from the config.json beside the
/// weights, else from the shapes, else from the preset of the same width and depth, else asked for.
struct ImportOptions {
  std::string preset;                ///< heads of this preset (options/model_presets.h)
  std::optional<int64_t> num_heads;  ///< of the encoder
  std::optional<int64_t> decoder_num_heads;
  std::optional<int64_t> image_height, image_width;  ///< pixels; else a square grid
  std::optional<double> layer_norm_eps;              ///< else 1e-6
  std::optional<double> mask_ratio;                  ///< else 0.75
  std::optional<bool> norm_pix_loss;  ///< whether the decoder predicts normalised patches; else not
  std::vector<double> mean, std_dev;  ///< a channel; else ImageNet's for 3 channels
  std::vector<std::string> labels;    ///< a class; else none
  std::string source;                 ///< where the weights are from, for the card
  std::string license;                ///< in the importer's words, for the card
  /// Where values are from that a file said: {"num_heads", "config.json: num_attention_heads"}, by the names
  /// of the options in the API (std_dev is "std", the image's sides are "image_height").
  std::map<std::string, std::string> origins;

  /// What a fault of this option is blamed on: its own name, or the key of the file that it was read from.
  std::string Blamed(const std::string& option) const {
    const auto file = origins.find(option);
    return file == origins.end() ? option : file->second;
  }

  bool operator==(const ImportOptions&) const = default;
};

}  // namespace mae
