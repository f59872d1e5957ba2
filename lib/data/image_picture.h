#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "data/dataset.h"
#include "image/codec.h"

namespace mae {

/// One image of a set as a picture, at its own size: copied where the set is in memory, else decoded.
/// Thread-safe. INVALID_ARGUMENT names an image that can't be decoded.
/// @param index in 0 .. count-1.
absl::StatusOr<Picture> PictureOf(const ImageSet& images, int64_t index);

/// The same of a set whose images are encoded, from `decoded` of the set where it is there already.
absl::StatusOr<std::shared_ptr<const Picture>> DecodedPictureOf(const ImageSet& images, int64_t index);

}  // namespace mae
