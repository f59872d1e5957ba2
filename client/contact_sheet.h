#pragma once

#include "absl/status/statusor.h"
#include "image/codec.h"
#include "mae/v1/dataset.pb.h"

namespace mae {

/// The images side by side, eight a row, each fitted into the same square and legible: what a dataset looks
/// like at a glance. The last row is filled up with white. Pure.
/// @return INVALID_ARGUMENT for no images, or one that is no picture.
absl::StatusOr<Picture> ContactSheet(const v1::GetDatasetImagesResponse& images);

}  // namespace mae
