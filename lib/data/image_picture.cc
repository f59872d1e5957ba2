#include "data/image_picture.h"

#include "base/status_macros.h"
#include "data/decoded_cache.h"
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

}  // namespace

absl::StatusOr<Picture> PictureOf(const ImageSet& images, int64_t index) {
  if (images.encoded) return DecodeEncodedImage(*images.encoded, index, images.channels);
  return Interleaved(images, index);
}

absl::StatusOr<std::shared_ptr<const Picture>> DecodedPictureOf(const ImageSet& images, int64_t index) {
  if (images.decoded) return images.decoded->Get(*images.encoded, index, images.channels);
  MAE_ASSIGN_OR_RETURN(Picture picture, DecodeEncodedImage(*images.encoded, index, images.channels));
  return std::make_shared<const Picture>(std::move(picture));
}

}  // namespace mae
