#pragma once

#include "server/inference_inputs.h"
#include "tests/fuzz/fuzz_target.h"

namespace mae {

/// Descriptions of the models that requests are read for: as small as models get.
inline ModelConfig SmallAutoencoder() {
  MaskedAutoencoderOptions model;
  model.encoder.image_height = 8;
  model.encoder.image_width = 12;
  return {model, {0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}, {}};
}

inline ModelConfig SmallClassifier() {
  VisionTransformerOptions model;
  model.encoder.image_height = 8;
  model.encoder.image_width = 12;
  model.num_classes = 3;
  return {model, {0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}, {"cat", "dog", "owl"}};
}

/// Limits that an input of a few kilobytes can pass.
inline InferenceLimits SmallLimits() {
  InferenceLimits limits;
  limits.max_images_per_request = 4;
  limits.max_image_pixels = 4096;
  limits.max_message_bytes = 1 << 20;
  limits.decoded = std::make_shared<DecodedMemory>(int64_t{1} << 18);
  return limits;
}

/// What a predictor takes for granted: as many values as the sizes say, within the limits.
inline void CheckInputs(const RequestInputs& inputs, const InferenceLimits& limits) {
  FUZZ_REQUIRE(!inputs.images.empty());
  FUZZ_REQUIRE(static_cast<int64_t>(inputs.images.size()) <= limits.max_images_per_request);
  for (const PredictorInput& input : inputs.images) {
    if (const auto* picture = std::get_if<Picture>(&input)) {
      FUZZ_REQUIRE(picture->height >= 1 && picture->width >= 1);
      FUZZ_REQUIRE(picture->height <= limits.max_image_pixels / picture->width);
      FUZZ_REQUIRE(static_cast<int64_t>(picture->pixels.size()) ==
                   picture->height * picture->width * picture->channels);
    } else if (const auto* tensor = std::get_if<FloatTensor>(&input)) {
      int64_t values = 1;
      for (const int64_t size : tensor->shape) values *= size;
      FUZZ_REQUIRE(static_cast<int64_t>(tensor->values.size()) == values);
    }
  }
}

}  // namespace mae
