#include "data/encoded_images.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/file_range.h"
#include "base/status_macros.h"

namespace mae {
namespace {

absl::Status Damaged(const EncodedImages& images, int64_t index, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("image '", images.NameOf(index), "': ", what));
}

absl::StatusOr<Picture> DecodeAsStored(const EncodedImages& images, int64_t index) {
  MAE_ASSIGN_OR_RETURN(const std::string bytes, ReadEncodedImage(images, index));
  auto picture = DecodePicture(bytes, kMaxDatasetImagePixels);
  if (!picture.ok()) return Damaged(images, index, picture.status().message());
  return picture;
}

}  // namespace

std::string EncodedImages::NameOf(int64_t index) const {
  const Place& place = places[static_cast<size_t>(index)];
  const std::string& file = files[static_cast<size_t>(place.file)];
  if (!contents.empty()) return absl::StrCat(file, ", image ", index, " of the split");
  return place.offset == 0 ? file : absl::StrCat(file, ", byte ", place.offset);
}

absl::StatusOr<std::string> ReadEncodedImage(const EncodedImages& images, int64_t index) {
  const auto& place = images.places[static_cast<size_t>(index)];
  if (place.bytes <= 0 || place.bytes > kMaxEncodedImageBytes) {
    return Damaged(images, index,
                   absl::StrCat("has ", place.bytes, " bytes; must be 1 to ", kMaxEncodedImageBytes));
  }
  if (!images.contents.empty()) {
    return images.contents[static_cast<size_t>(place.file)]->substr(static_cast<size_t>(place.offset),
                                                                    static_cast<size_t>(place.bytes));
  }
  return ReadFileRange(images.files[static_cast<size_t>(place.file)], place.offset, place.bytes);
}

absl::StatusOr<Picture> DecodeEncodedImage(const EncodedImages& images, int64_t index, int64_t channels) {
  MAE_ASSIGN_OR_RETURN(Picture picture, DecodeAsStored(images, index));
  if (picture.channels == channels) return picture;
  return ConvertChannels(picture, channels);
}

absl::StatusOr<EncodedShape> SampleShape(const EncodedImages& images, int64_t among) {
  constexpr int64_t kSample = 64;
  const int64_t total = std::min(among, images.count()), wanted = std::min(kSample, total);
  EncodedShape shape{1, 0, 0};
  bool same_size = true;
  for (int64_t i = 0; i < wanted; ++i) {
    MAE_ASSIGN_OR_RETURN(const Picture picture, DecodeAsStored(images, total * i / wanted));
    if (picture.channels != 1) shape.channels = 3;
    same_size &= i == 0 || (picture.height == shape.height && picture.width == shape.width);
    shape.height = picture.height;
    shape.width = picture.width;
  }
  if (!same_size) shape.height = shape.width = 0;
  return shape;
}

void KeepFirst(EncodedImages& images, int64_t limit) {
  if (limit <= 0 || limit >= images.count()) return;
  images.places.resize(static_cast<size_t>(limit));
  images.labels.resize(static_cast<size_t>(limit));
}

}  // namespace mae
