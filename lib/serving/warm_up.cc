#include "serving/warm_up.h"

#include <vector>

namespace mae {

absl::Status WarmUp(const Predictor& predictor, const RequestContext& context) {
  const auto& encoder = predictor.config().encoder();
  FloatTensor image{{encoder.channels, encoder.image_height, encoder.image_width}, {}};
  image.values.resize(static_cast<size_t>(encoder.channels * encoder.image_height * encoder.image_width));
  const std::vector<PredictorInput> inputs = {std::move(image)};
  const auto* classifier = std::get_if<VisionTransformerOptions>(&predictor.config().model);
  if (classifier == nullptr) {
    ReconstructOptions options;
    options.pictures = options.tensors = false;
    return predictor.Reconstruct(inputs, options, context).status();
  }
  if (classifier->num_classes > 0) return predictor.Classify(inputs, context).status();
  return predictor.Embed(inputs, {}, context).status();
}

}  // namespace mae
