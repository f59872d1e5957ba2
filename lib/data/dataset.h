#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

/// Image sets in memory. Torch-free: the server lists datasets with it.
namespace mae {

enum class Split { kTrain, kValidation };

/// What is known of a dataset before its pixels are read.
struct DatasetInfo {
  std::string name;
  std::string format;          ///< idx, cifar10 or cifar100
  std::filesystem::path path;  ///< folder, or for CIFAR also a .tar.gz
  int64_t train_images = 0, validation_images = 0;
  int64_t channels = 0, height = 0, width = 0;
  std::vector<std::string> labels;    ///< a class each
  std::vector<double> mean, std_dev;  ///< a channel, of pixel values in 0..1
};

/// One split, whole, as bytes. Immutable once loaded: concurrent reads are safe.
struct ImageSet {
  int64_t count = 0, channels = 0, height = 0, width = 0;
  std::vector<uint8_t> pixels;  ///< count x channels x height x width
  std::vector<int64_t> labels;  ///< count; each in 0 .. classes-1
  int64_t image_bytes() const { return channels * height * width; }
  const uint8_t* image(int64_t index) const { return pixels.data() + index * image_bytes(); }
};

/// Tells what a dataset is without reading its pixels. The format goes by the files that are there;
/// data/idx.h and data/cifar.h name them. Milliseconds, but about a second for a CIFAR archive, which has to
/// be unpacked to be listed. Known names (known_datasets.h) bring their labels and mean/std; others have
/// labels "0", "1", … and mean 0.5, std 0.5. NOT_FOUND names what is missing; INVALID_ARGUMENT names the
/// file, what is wrong, and what was expected (among it a label that the known dataset does not have).
absl::StatusOr<DatasetInfo> InspectDataset(const std::string& name, const std::filesystem::path& path);

/// Reads one split; kValidation is the official test files. `limit` > 0: only the first images. Errors as
/// InspectDataset; a damaged or truncated file, a wrong magic number, or a CIFAR label outside the classes is
/// INVALID_ARGUMENT.
absl::StatusOr<ImageSet> LoadSplit(const std::string& format, const std::filesystem::path& path, Split split,
                                   int64_t limit);

}  // namespace mae
