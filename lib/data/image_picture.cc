#include "data/image_picture.h"

#include <algorithm>
#include <cmath>

#include "base/status_macros.h"
#include "data/encoded_images.h"

namespace mae {
namespace {

// Planes to interleaved bytes.
Picture Interleaved(const ImageSet& images, int64_t index) {
  Picture picture{images.height, images.width, images.channels, {}};
  const int64_t area = images.height * images.width;
  picture.pixels.resize(static_cast<size_t>(images.image_bytes()));
  const uint8_t* in = images.image(index);
  for (int64_t c = 0; c < images.channels; ++c) {
    for (int64_t i = 0; i < area; ++i) picture.pixels[static_cast<size_t>(i * images.channels + c)] = *in++;
  }
  return picture;
}

Picture CropMiddle(const Picture& picture, int64_t height, int64_t width) {
  const int64_t top = (picture.height - height) / 2, left = (picture.width - width) / 2;
  Picture crop{height, width, picture.channels, {}};
  crop.pixels.reserve(static_cast<size_t>(height * width * picture.channels));
  for (int64_t row = 0; row < height; ++row) {
    const auto begin = picture.pixels.begin() + ((top + row) * picture.width + left) * picture.channels;
    crop.pixels.insert(crop.pixels.end(), begin, begin + width * picture.channels);
  }
  return crop;
}

}  // namespace

absl::StatusOr<Picture> PictureOf(const ImageSet& images, int64_t index) {
  if (images.encoded) return DecodeEncodedImage(*images.encoded, index, images.channels);
  return Interleaved(images, index);
}

absl::StatusOr<Picture> CoverAndCrop(const Picture& picture, int64_t height, int64_t width) {
  if (picture.height == height && picture.width == width) return picture;
  const double scale = std::max(static_cast<double>(height) / static_cast<double>(picture.height),
                                static_cast<double>(width) / static_cast<double>(picture.width));
  const auto scaled = [&](int64_t side, int64_t least) {
    return std::max(least, static_cast<int64_t>(std::lround(static_cast<double>(side) * scale)));
  };
  MAE_ASSIGN_OR_RETURN(const Picture covering,
                       Resize(picture, scaled(picture.height, height), scaled(picture.width, width)));
  return CropMiddle(covering, height, width);
}

}  // namespace mae
