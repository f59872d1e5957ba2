#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

/// Image sets, in memory or on the disk. Torch-free: the server lists datasets with it.
namespace mae {

struct EncodedImages;
class DecodedCache;

enum class Split { kTrain, kValidation };

/// What is known of a dataset before its pixels are read.
struct DatasetInfo {
  std::string name;
  std::string format;          ///< idx, cifar10, cifar100, image_folder, tar_shards or parquet
  std::filesystem::path path;  ///< folder, or for CIFAR also a .tar.gz
  int64_t train_images = 0, validation_images = 0;
  int64_t channels = 0, height = 0, width = 0;
  std::vector<std::string> labels;    ///< a class each
  std::vector<double> mean, std_dev;  ///< a channel, of pixel values in 0..1; empty: not measured yet
  /// Images are encoded files of any size, decoded as they are needed and brought to the size that a model
  /// takes; height and width are then what a job takes by default.
  bool encoded = false;
};

/// One split, whole: as bytes, or as places of encoded images. Immutable once loaded: concurrent reads are
/// safe.
struct ImageSet {
  int64_t count = 0, channels = 0;
  int64_t height = 0, width = 0;  ///< of every image; where they are encoded, the size they are brought to
  std::vector<uint8_t> pixels;    ///< count x channels x height x width; empty where they are encoded
  std::vector<int64_t> labels;    ///< count; each in 0 .. classes-1
  std::shared_ptr<const EncodedImages> encoded = nullptr;  ///< null: the pixels are here
  std::shared_ptr<DecodedCache> decoded = nullptr;         ///< where encoded ones are kept; null: nowhere
  int64_t image_bytes() const { return channels * height * width; }
  const uint8_t* image(int64_t index) const { return pixels.data() + index * image_bytes(); }
};

/// Tells what a dataset is without reading its pixels. The format goes by the files that are there;
/// data/idx.h, data/cifar.h, data/image_folder.h, data/tar_shards.h and data/parquet_images.h name them.
/// Milliseconds, but about a second for a CIFAR archive, which has to be unpacked to be listed, and some
/// seconds a million files. Known
/// names (known_datasets.h) bring their labels and mean/std; others have the names of their class folders or
/// labels "0", "1", …, and their mean and std are left to MeasurePixels. NOT_FOUND names what is missing;
/// INVALID_ARGUMENT names the file, what is wrong, and what was expected (among it a label that the known
/// dataset does not have).
absl::StatusOr<DatasetInfo> InspectDataset(const std::string& name, const std::filesystem::path& path);

/// The same of a folder, or of the only folder in it, as archives often have it.
absl::StatusOr<DatasetInfo> InspectDatasetWithin(const std::string& name,
                                                 const std::filesystem::path& folder);

/// Reads one split; kValidation is the official test files. `limit` > 0: only the first images. Errors as
/// InspectDataset; a damaged or truncated file, a wrong magic number, or a CIFAR label outside the classes is
/// INVALID_ARGUMENT.
absl::StatusOr<ImageSet> LoadSplit(const std::string& format, const std::filesystem::path& path, Split split,
                                   int64_t limit);

/// A dataset whole, looked through once: what is known of it, and both splits.
struct LoadedDataset {
  DatasetInfo info;
  ImageSet train, validation;
};

/// InspectDataset and LoadSplit of both splits, each with its limit.
absl::StatusOr<LoadedDataset> LoadDataset(const std::string& name, const std::filesystem::path& path,
                                          int64_t train_limit, int64_t validation_limit);

/// Fills mean and std_dev from the training images, if they are not known: all of them of IDX and CIFAR, read
/// one after the other and not held, else 512 at their own size, spread evenly over the split (of Parquet the
/// first). Seconds. Errors of LoadSplit, and INVALID_ARGUMENT naming an image that can't be decoded.
absl::Status MeasurePixels(DatasetInfo& info);

}  // namespace mae
