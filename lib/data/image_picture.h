#pragma once

#include <cstdint>
#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "data/dataset.h"
#include "data/image_visit.h"
#include "image/codec.h"

namespace mae {

/// One image of a set as a picture, at its own size: copied where the set is in memory, else decoded.
/// Thread-safe. INVALID_ARGUMENT names an image that can't be decoded.
/// @param index in 0 .. count-1.
absl::StatusOr<Picture> PictureOf(const ImageSet& images, int64_t index);

/// The same of a set whose images are encoded, from `decoded` of the set where it is there already.
absl::StatusOr<std::shared_ptr<const Picture>> DecodedPictureOf(const ImageSet& images, int64_t index);

/// Called with each chosen image: its index in the split, its class, and the image at its own size. An error
/// ends the visit.
using PictureVisit = absl::FunctionRef<absl::Status(int64_t index, int64_t label, const Picture& picture)>;

/// Calls `visit` with the chosen images of a split, which is not held: one image is, or about a mebibyte of
/// small ones (of encoded sets the list of places too, and of Parquet the encoded images up to the last one).
/// In the order of the split, but of a CIFAR archive in that of its files. Errors of LoadSplit and PictureOf.
/// @param info as InspectDataset gave it; the files may have changed since.
absl::Status VisitPictures(const DatasetInfo& info, Split split, const ImageChoice& choice,
                           PictureVisit visit);

}  // namespace mae
