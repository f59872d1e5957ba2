#include "serving/input_batch.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "augment/center_crop.h"
#include "base/status_macros.h"
#include "image/byte_image.h"

namespace mae {
namespace {

absl::Status At(size_t index, absl::string_view fault) {
  return absl::InvalidArgumentError(absl::StrCat("images[", index, "]: ", fault));
}

bool IsWhole(const Picture& picture) {
  const bool known_channels = picture.channels == 1 || picture.channels == 3 || picture.channels == 4;
  return known_channels && picture.height > 0 && picture.width > 0 &&
         static_cast<int64_t>(picture.pixels.size()) / picture.height / picture.width == picture.channels &&
         static_cast<int64_t>(picture.pixels.size()) == picture.height * picture.width * picture.channels;
}

void NormalizeInto(const ByteImage& image, const ModelConfig& config, float* out) {
  for (int64_t c = 0; c < image.channels; ++c) {
    const auto scale = static_cast<float>(1.0 / (255.0 * config.std_dev[c]));
    const auto shift = static_cast<float>(-config.mean[c] / config.std_dev[c]);
    out = std::transform(image.plane(c), image.plane(c) + image.plane_bytes(), out,
                         [&](uint8_t value) { return static_cast<float>(value) * scale + shift; });
  }
}

absl::Status PictureInto(const Picture& given, size_t index, const ModelConfig& config, float* out) {
  const auto& encoder = config.encoder();
  if (!IsWhole(given)) {
    return At(index,
              absl::StrCat("a picture needs height x width x channels bytes and 1, 3 or 4 channels; got ",
                           given.height, " x ", given.width, " x ", given.channels, " with ",
                           given.pixels.size(), " bytes"));
  }
  if (encoder.channels != 1 && encoder.channels != 3) {
    return At(index, absl::StrCat("a picture can't become the model's ", encoder.channels,
                                  " channels; send normalised values [channels, height, width] instead"));
  }
  const Picture* picture = &given;
  Picture converted;
  if (picture->channels != encoder.channels) {
    MAE_ASSIGN_OR_RETURN(converted, ConvertChannels(*picture, encoder.channels));
    picture = &converted;
  }
  ByteImage fitted;
  fitted.Reshape(encoder.channels, encoder.image_height, encoder.image_width);
  CenterCrop(picture->view(), 1.0, fitted);
  NormalizeInto(fitted, config, out);
  return absl::OkStatus();
}

absl::Status TensorInto(const FloatTensor& given, size_t index, const ModelConfig& config, float* out) {
  const auto& encoder = config.encoder();
  const std::vector<int64_t> shape = {encoder.channels, encoder.image_height, encoder.image_width};
  if (given.shape != shape) {
    return At(index, absl::StrCat("normalised values must be [", absl::StrJoin(shape, ", "),
                                  "], the model's own size; got [", absl::StrJoin(given.shape, ", "), "]"));
  }
  const auto count = static_cast<size_t>(shape[0] * shape[1] * shape[2]);
  if (given.values.size() != count) {
    return At(index, absl::StrCat("has ", given.values.size(), " values; its shape needs ", count));
  }
  const auto bad = std::find_if_not(given.values.begin(), given.values.end(),
                                    [](float value) { return std::isfinite(value); });
  if (bad != given.values.end()) {
    return At(index,
              absl::StrCat("value ", bad - given.values.begin(), " is ", *bad, "; all must be finite"));
  }
  std::copy(given.values.begin(), given.values.end(), out);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<float>> NormalizedBatch(const std::vector<PredictorInput>& inputs,
                                                   const ModelConfig& config) {
  if (inputs.empty()) return absl::InvalidArgumentError("images: there are none; send at least 1");
  const auto& encoder = config.encoder();
  const auto stride = static_cast<size_t>(encoder.channels * encoder.image_height * encoder.image_width);
  std::vector<float> batch(inputs.size() * stride);
  for (size_t i = 0; i < inputs.size(); ++i) {
    float* out = batch.data() + i * stride;
    const auto* picture = std::get_if<Picture>(&inputs[i]);
    MAE_RETURN_IF_ERROR(picture != nullptr ? PictureInto(*picture, i, config, out)
                                           : TensorInto(std::get<FloatTensor>(inputs[i]), i, config, out));
  }
  return batch;
}

}  // namespace mae
