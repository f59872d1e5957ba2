#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "inference/model_config.pb.h"
#include "options/model_card.h"
#include "server/inference_task.h"

namespace mae {

/// A tensor that a model takes or gives.
struct TensorSpec {
  std::string name;
  inference::DataType type = inference::TYPE_INVALID;  ///< as it is described
  std::vector<int64_t> dims;                           ///< of one image; -1: any
  bool by_image = true;     ///< the images come before `dims`; else it is one for all of them
  bool by_default = false;  ///< an output: given when none is asked for by name
  std::vector<inference::DataType> also = {};  ///< an input: further types that are taken
};

/// What a model takes and gives when it is asked for one task (docs/formats/open_inference.md).
struct ModelSignature {
  std::vector<TensorSpec> inputs, outputs;

  const TensorSpec* FindInput(std::string_view name) const;
  const TensorSpec* FindOutput(std::string_view name) const;
};

/// The inputs that images may come in; each request uses exactly one.
inline constexpr std::string_view kImagesInput = "images", kPixelsInput = "pixels",
                                  kPixelValuesInput = "pixel_values", kMaskInput = "mask";

/// Pure. @param task one that the model can do.
ModelSignature SignatureOf(const ModelConfig& config, InferenceTask task);

}  // namespace mae
