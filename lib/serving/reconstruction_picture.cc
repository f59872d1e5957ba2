#include "serving/reconstruction_picture.h"

#include <algorithm>
#include <cmath>

namespace mae {
namespace {

constexpr uint8_t kMidGrey = 128;

// Written so that NaN becomes 0: converting it to an integer is undefined.
float Clip(float value) { return value > 0.0F ? std::min(value, 1.0F) : 0.0F; }

// Calls fill(offset, bytes) for each pixel row of each hidden patch.
template <typename Fill>
void ForHiddenRows(const std::vector<bool>& hidden, const EncoderOptions& encoder, Fill fill) {
  const auto run = encoder.patch_size * encoder.channels;
  const auto stride = encoder.image_width * encoder.channels;
  for (size_t patch = 0; patch < hidden.size(); ++patch) {
    if (!hidden[patch]) continue;
    const auto top = static_cast<int64_t>(patch) / encoder.grid_cols() * encoder.patch_size;
    const auto left = static_cast<int64_t>(patch) % encoder.grid_cols() * run;
    for (int64_t y = top; y < top + encoder.patch_size; ++y) fill(y * stride + left, run);
  }
}

}  // namespace

Picture DrawPlanes(const float* planes, const ModelConfig& config) {
  const auto& encoder = config.encoder();
  Picture picture{encoder.image_height, encoder.image_width, encoder.channels, {}};
  const auto area = picture.height * picture.width;
  picture.pixels.resize(static_cast<size_t>(area * picture.channels));
  for (int64_t c = 0; c < picture.channels; ++c) {
    const auto scale = static_cast<float>(config.std_dev[c]), shift = static_cast<float>(config.mean[c]);
    uint8_t* out = picture.pixels.data() + c;
    for (int64_t i = 0; i < area; ++i) {
      out[i * picture.channels] =
          static_cast<uint8_t>(Clip(planes[c * area + i] * scale + shift) * 255.0F + 0.5F);
    }
  }
  return picture;
}

FloatTensor PixelsOf(const float* planes, const ModelConfig& config) {
  const auto& encoder = config.encoder();
  const auto area = encoder.image_height * encoder.image_width;
  FloatTensor pixels{{encoder.channels, encoder.image_height, encoder.image_width}, {}};
  pixels.values.resize(static_cast<size_t>(encoder.channels * area));
  for (int64_t c = 0; c < encoder.channels; ++c) {
    const auto scale = static_cast<float>(config.std_dev[c]), shift = static_cast<float>(config.mean[c]);
    std::transform(planes + c * area, planes + (c + 1) * area, pixels.values.data() + c * area,
                   [=](float value) { return Clip(value * scale + shift); });
  }
  return pixels;
}

void DrawReconstruction(const float* original, const float* rebuilt, const ModelConfig& config,
                        ReconstructionResult& result) {
  result.original = DrawPlanes(original, config);
  result.reconstruction = DrawPlanes(rebuilt, config);
  result.masked = result.original;
  result.pasted = result.original;
  ForHiddenRows(result.hidden, config.encoder(), [&result](int64_t offset, int64_t bytes) {
    std::fill_n(result.masked.pixels.data() + offset, bytes, kMidGrey);
    std::copy_n(result.reconstruction.pixels.data() + offset, bytes, result.pasted.pixels.data() + offset);
  });
}

}  // namespace mae
