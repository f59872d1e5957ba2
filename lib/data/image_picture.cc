#include "data/image_picture.h"

#include <algorithm>

#include "base/status_macros.h"
#include "data/cifar.h"
#include "data/decoded_cache.h"
#include "data/encoded_images.h"
#include "data/idx.h"

namespace mae {
namespace {

// Planes to interleaved bytes.
Picture Interleaved(const ImageView& planes) {
  Picture picture{planes.height, planes.width, planes.channels, {}};
  const int64_t area = planes.height * planes.width;
  picture.pixels.resize(static_cast<size_t>(area * planes.channels));
  const uint8_t* in = planes.pixels;
  for (int64_t c = 0; c < planes.channels; ++c) {
    for (int64_t i = 0; i < area; ++i) picture.pixels[static_cast<size_t>(i * planes.channels + c)] = *in++;
  }
  return picture;
}

// The set is a list of places: images are decoded one at a time.
absl::Status VisitEncoded(const DatasetInfo& info, Split split, const ImageChoice& choice,
                          PictureVisit visit) {
  const int64_t limit = choice.end == ImageChoice().end ? 0 : choice.end;
  MAE_ASSIGN_OR_RETURN(const ImageSet images, LoadSplit(info.format, info.path, split, limit));
  for (int64_t i = choice.first; i < std::min(choice.end, images.count); i += choice.stride) {
    MAE_ASSIGN_OR_RETURN(const Picture picture, DecodeEncodedImage(*images.encoded, i, info.channels));
    MAE_RETURN_IF_ERROR(visit(i, images.labels[static_cast<size_t>(i)], picture));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Picture> PictureOf(const ImageSet& images, int64_t index) {
  if (images.encoded) return DecodeEncodedImage(*images.encoded, index, images.channels);
  return Interleaved({images.image(index), images.channels, images.height, images.width});
}

absl::StatusOr<std::shared_ptr<const Picture>> DecodedPictureOf(const ImageSet& images, int64_t index) {
  if (images.decoded) return images.decoded->Get(*images.encoded, index, images.channels);
  MAE_ASSIGN_OR_RETURN(Picture picture, DecodeEncodedImage(*images.encoded, index, images.channels));
  return std::make_shared<const Picture>(std::move(picture));
}

absl::Status VisitPictures(const DatasetInfo& info, Split split, const ImageChoice& choice,
                           PictureVisit visit) {
  if (info.encoded) return VisitEncoded(info, split, choice, visit);
  const auto show = [&visit](int64_t index, int64_t label, const ImageView& image) {
    return visit(index, label, Interleaved(image));
  };
  if (info.format == "idx") return VisitIdx(info.path, split, choice, show);
  return VisitCifar(info.format, info.path, split, choice, show);
}

}  // namespace mae
