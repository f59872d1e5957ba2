#pragma once

#include <filesystem>

#include "absl/status/statusor.h"
#include "data/encoded_images.h"

/// Tar files of samples, as WebDataset writes them: members with the same path up to the first dot of the
/// file name are one sample, an image (.png, .jpg, .jpeg, .webp, .bmp) and its class (.cls, a whole number as
/// text). A shard belongs to the split that its name tells: *train*.tar, *val*.tar, or without such
/// *test*.tar (data/split_files.h). Names of classes are the lines of classes.txt beside them, else their
/// numbers. Pure functions of the disk.
namespace mae {

/// Whether the folder has a tar named for training.
bool HasTarShards(const std::filesystem::path& path);

/// Walks the headers of every shard and reads the class files, not the images.
/// NOT_FOUND if there are no shards for validation; INVALID_ARGUMENT for a damaged shard, a sample without an
/// image or class, or a class outside classes.txt, naming it.
absl::StatusOr<EncodedDataset> ScanTarShards(const std::filesystem::path& path);

}  // namespace mae
