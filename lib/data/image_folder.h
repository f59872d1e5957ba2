#pragma once

#include <filesystem>

#include "absl/status/statusor.h"
#include "data/encoded_images.h"

/// Folders of pictures, a folder a class, as ImageNet is usually unpacked: train/CLASS/*.jpg and
/// val/CLASS/*.jpg (also validation, valid or test). Classes are numbered in the order of their names. PNG,
/// JPEG, WebP and BMP; other files, and those whose names begin with a dot, are passed over. Pure functions
/// of the disk.
namespace mae {

/// Whether the folder has a train folder with folders in it.
bool HasImageFolders(const std::filesystem::path& path);

/// Lists the files, which takes some seconds a million; reads none.
/// NOT_FOUND if there is no folder of validation images; INVALID_ARGUMENT if a split has no image, or
/// validation has a class that train has not.
absl::StatusOr<EncodedDataset> ScanImageFolder(const std::filesystem::path& path);

}  // namespace mae
