#pragma once

#include <cstdint>
#include <filesystem>

#include "absl/status/statusor.h"
#include "data/encoded_images.h"

/// Image datasets as the Hugging Face hub keeps them: Parquet files, told apart by their names
/// (data/split_files.h), in the folder or in its data/ folder. One column has the encoded images (binary, or
/// a struct with `bytes`), another the classes (integers); the files' own `huggingface` metadata names both
/// and the classes, else the columns are `image` or `img` and `label` or `fine_label`. Parquet is not made to
/// be read row by row, so the encoded bytes of a split are kept in memory. Pure functions of the disk.
namespace mae {

/// Whether there are Parquet files named for training.
bool HasParquetImages(const std::filesystem::path& path);

/// Reads the first images of each split, as many as its limit; 0: all. EncodedDataset's train_images and
/// validation_images count all that there are. NOT_FOUND if a split has no file; INVALID_ARGUMENT for a
/// damaged file, a column that is missing or of another type, an empty image, a class outside the named ones,
/// or a split of more than kMaxDatasetFileBytes of images, naming the file; FAILED_PRECONDITION without
/// libmae_parquet.so beside the program.
absl::StatusOr<EncodedDataset> ScanParquetImages(const std::filesystem::path& path, int64_t train_limit,
                                                 int64_t validation_limit);

}  // namespace mae
