#pragma once

#include "absl/status/statusor.h"
#include "mae/v1/inference.pb.h"
#include "server/inference_inputs.h"

namespace mae {

/// Decodes the images of a request. Pure; blocks for the decoding.
/// @return INVALID_ARGUMENT with field violations such as "images[3].encoded": none or too many images,
/// nothing in
///   one, bytes that are no picture, a picture above the pixel limit, a raw shape that doesn't fit its bytes.
///   That normalised values have the model's own size is for the predictor to say. RESOURCE_EXHAUSTED of
///   ReserveDecoded.
absl::StatusOr<RequestInputs> InputsFromProto(const google::protobuf::RepeatedPtrField<v1::Image>& images,
                                              const InferenceLimits& limits);

}  // namespace mae
