#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "mae/v1/inference.pb.h"
#include "serving/predictor.h"

namespace mae {

/// What one request of the InferenceService may ask for.
struct InferenceLimits {
  int64_t max_images_per_request = 256;         ///< at least 1
  int64_t max_image_pixels = int64_t{1} << 25;  ///< height x width of one picture, at least 1
};

/// Decodes the images of a request. Pure; blocks for the decoding.
/// @return INVALID_ARGUMENT with field violations such as "images[3].encoded": none or too many images,
/// nothing in
///   one, bytes that are no picture, a picture above the pixel limit, a raw shape that doesn't fit its bytes.
///   That normalised values have the model's own size is for the predictor to say.
absl::StatusOr<std::vector<PredictorInput>> InputsFromProto(
    const google::protobuf::RepeatedPtrField<v1::Image>& images, const InferenceLimits& limits);

}  // namespace mae
