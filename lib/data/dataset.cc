#include "data/dataset.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "data/cifar.h"
#include "data/encoded_images.h"
#include "data/idx.h"
#include "data/image_folder.h"
#include "data/image_picture.h"
#include "data/known_datasets.h"
#include "data/parquet_images.h"
#include "data/pixel_statistics.h"
#include "data/tar_shards.h"

namespace mae {
namespace {

constexpr int64_t kMeasuredImages = 512;
// What is read of a set that has to be read to be looked at.
constexpr int64_t kInspectedImages = 64;
// What a job takes by default where images are of several sizes.
constexpr int64_t kDefaultSide = 224;

absl::Status NothingKnownAt(const std::string& name, const std::filesystem::path& path) {
  std::error_code error;
  const bool exists = std::filesystem::exists(path, error);
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("dataset '", name, "': ", path.string()));
  if (!exists) {
    return absl::NotFoundError(absl::StrCat("dataset '", name, "': there is no '", path.string(), "'"));
  }
  return absl::NotFoundError(absl::StrCat(
      "dataset '", name, "': '", path.string(),
      "' holds none of the formats read: IDX (train-images-idx3-ubyte, train-labels-idx1-ubyte, "
      "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each plain or .gz), CIFAR-10 "
      "(data_batch_1.bin to data_batch_5.bin and test_batch.bin, or cifar-10-binary.tar.gz), "
      "CIFAR-100 (train.bin and test.bin, or cifar-100-binary.tar.gz), folders of pictures "
      "(train/CLASS/*.png|jpg|webp|bmp and val/CLASS/*), tar shards (*train*.tar and *val*.tar), "
      "Parquet (*train*.parquet and *test*.parquet)"));
}

bool IsEncodedFormat(const std::string& format) {
  return format == "image_folder" || format == "tar_shards" || format == "parquet";
}

// The format of encoded images that the folder holds; empty: none.
std::string EncodedFormatOf(const std::filesystem::path& path) {
  if (HasImageFolders(path)) return "image_folder";
  if (HasTarShards(path)) return "tar_shards";
  return HasParquetImages(path) ? "parquet" : "";
}

// A dataset, and what its images have in common: told by the same images whatever the limits, so that who
// lists it and who trains on it see the same.
struct ScannedDataset {
  EncodedDataset dataset;
  EncodedShape shape;
};

// At least the first so many images of each split; 0: all.
absl::StatusOr<ScannedDataset> ScanEncoded(const std::string& format, const std::filesystem::path& path,
                                           int64_t train_limit, int64_t validation_limit) {
  ScannedDataset scanned;
  if (format == "parquet") {
    const int64_t rows = train_limit > 0 ? std::max(train_limit, kInspectedImages) : 0;
    MAE_ASSIGN_OR_RETURN(scanned.dataset, ScanParquetImages(path, rows, validation_limit));
    MAE_ASSIGN_OR_RETURN(scanned.shape, SampleShape(scanned.dataset.train, kInspectedImages));
    return scanned;
  }
  MAE_ASSIGN_OR_RETURN(scanned.dataset,
                       format == "image_folder" ? ScanImageFolder(path) : ScanTarShards(path));
  MAE_ASSIGN_OR_RETURN(scanned.shape, SampleShape(scanned.dataset.train, scanned.dataset.train.count()));
  return scanned;
}

DatasetInfo EncodedInfo(const std::string& format, const ScannedDataset& scanned) {
  DatasetInfo info;
  info.format = format;
  info.encoded = true;
  info.train_images = scanned.dataset.train_images;
  info.validation_images = scanned.dataset.validation_images;
  info.channels = scanned.shape.channels;
  info.height = scanned.shape.height > 0 ? scanned.shape.height : kDefaultSide;
  info.width = scanned.shape.width > 0 ? scanned.shape.width : kDefaultSide;
  info.labels = scanned.dataset.labels;
  return info;
}

ImageSet EncodedSet(const DatasetInfo& info, EncodedImages images, int64_t limit) {
  KeepFirst(images, limit);
  ImageSet set;
  set.count = images.count();
  set.channels = info.channels;
  set.height = info.height;
  set.width = info.width;
  set.labels = images.labels;
  set.encoded = std::make_shared<EncodedImages>(std::move(images));
  return set;
}

absl::StatusOr<LoadedDataset> LoadEncoded(const std::string& format, const std::filesystem::path& path,
                                          int64_t train_limit, int64_t validation_limit) {
  MAE_ASSIGN_OR_RETURN(ScannedDataset scanned, ScanEncoded(format, path, train_limit, validation_limit));
  LoadedDataset loaded;
  loaded.info = EncodedInfo(format, scanned);
  loaded.train = EncodedSet(loaded.info, std::move(scanned.dataset.train), train_limit);
  loaded.validation = EncodedSet(loaded.info, std::move(scanned.dataset.validation), validation_limit);
  return loaded;
}

// Nothing: the folder holds no dataset of those that are read into memory.
absl::StatusOr<std::optional<DatasetInfo>> InspectInMemory(const std::filesystem::path& path) {
  if (HasIdxFiles(path)) return InspectIdx(path);
  return InspectCifar(path);
}

absl::StatusOr<DatasetInfo> InspectFiles(const std::string& name, const std::filesystem::path& path) {
  MAE_ASSIGN_OR_RETURN(std::optional<DatasetInfo> in_memory, InspectInMemory(path));
  if (in_memory) return *std::move(in_memory);
  const std::string format = EncodedFormatOf(path);
  if (format.empty()) return NothingKnownAt(name, path);
  MAE_ASSIGN_OR_RETURN(const ScannedDataset scanned,
                       ScanEncoded(format, path, kInspectedImages, kInspectedImages));
  return EncodedInfo(format, scanned);
}

absl::StatusOr<LoadedDataset> LoadFiles(const std::string& name, const std::filesystem::path& path,
                                        int64_t train_limit, int64_t validation_limit) {
  MAE_ASSIGN_OR_RETURN(std::optional<DatasetInfo> in_memory, InspectInMemory(path));
  if (!in_memory) {
    const std::string format = EncodedFormatOf(path);
    if (format.empty()) return NothingKnownAt(name, path);
    return LoadEncoded(format, path, train_limit, validation_limit);
  }
  LoadedDataset loaded;
  loaded.info = *std::move(in_memory);
  const std::string& format = loaded.info.format;
  MAE_ASSIGN_OR_RETURN(loaded.train, LoadSplit(format, path, Split::kTrain, train_limit));
  MAE_ASSIGN_OR_RETURN(loaded.validation, LoadSplit(format, path, Split::kValidation, validation_limit));
  return loaded;
}

absl::Status AddWhatIsKnown(const std::string& name, const std::filesystem::path& path, DatasetInfo& info) {
  info.name = name;
  info.path = path;
  const KnownDataset* known = FindKnownDataset(info.name);
  if (known == nullptr || known->format != info.format) return absl::OkStatus();
  if (info.labels.size() > known->labels.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", info.path.string(), "' uses label ", info.labels.size() - 1, ", but ", known->name,
        " has labels 0 to ", known->labels.size() - 1, "; if it is another dataset, give it another name"));
  }
  info.labels = known->labels;
  info.mean = known->mean;
  info.std_dev = known->std_dev;
  return absl::OkStatus();
}

// Decoding all would take too long.
absl::Status MeasureSample(const DatasetInfo& info, PixelStatistics& statistics) {
  // Parquet would have to be read whole for images from all over it.
  const int64_t limit = info.format == "parquet" ? kMeasuredImages : 0;
  MAE_ASSIGN_OR_RETURN(const ImageSet images, LoadSplit(info.format, info.path, Split::kTrain, limit));
  const int64_t sample = std::min<int64_t>(images.count, kMeasuredImages);
  for (int64_t i = 0; i < sample; ++i) {
    MAE_ASSIGN_OR_RETURN(const Picture picture,
                         DecodeEncodedImage(*images.encoded, images.count * i / sample, info.channels));
    statistics.Add(picture);
  }
  return absl::OkStatus();
}

absl::Status MeasureAll(const DatasetInfo& info, PixelStatistics& statistics) {
  return VisitPictures(info, Split::kTrain, {}, [&](int64_t, int64_t, const Picture& picture) {
    statistics.Add(picture);
    return absl::OkStatus();
  });
}

}  // namespace

absl::StatusOr<DatasetInfo> InspectDataset(const std::string& name, const std::filesystem::path& path) {
  MAE_ASSIGN_OR_RETURN(DatasetInfo info, InspectFiles(name, path));
  MAE_RETURN_IF_ERROR(AddWhatIsKnown(name, path, info));
  return info;
}

absl::StatusOr<LoadedDataset> LoadDataset(const std::string& name, const std::filesystem::path& path,
                                          int64_t train_limit, int64_t validation_limit) {
  MAE_ASSIGN_OR_RETURN(LoadedDataset loaded, LoadFiles(name, path, train_limit, validation_limit));
  MAE_RETURN_IF_ERROR(AddWhatIsKnown(name, path, loaded.info));
  return loaded;
}

absl::StatusOr<DatasetInfo> InspectDatasetWithin(const std::string& name,
                                                 const std::filesystem::path& folder) {
  auto info = InspectDataset(name, folder);
  if (info.ok()) return info;
  std::vector<std::filesystem::path> folders;
  std::error_code error, ignored;  // what can't be looked at is no folder
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const bool is_hidden = it->path().filename().string().starts_with('.');
    if (!is_hidden && it->is_directory(ignored)) folders.push_back(it->path());
  }
  return !error && folders.size() == 1 ? InspectDataset(name, folders[0]) : info;
}

absl::StatusOr<ImageSet> LoadSplit(const std::string& format, const std::filesystem::path& path, Split split,
                                   int64_t limit) {
  if (format == "idx") return LoadIdx(path, split, limit);
  if (format == "cifar10" || format == "cifar100") return LoadCifar(format, path, split, limit);
  if (IsEncodedFormat(format)) {
    // No more of the other split than has to be read.
    const bool train = split == Split::kTrain;
    MAE_ASSIGN_OR_RETURN(LoadedDataset both, LoadEncoded(format, path, train ? limit : kInspectedImages,
                                                         train ? kInspectedImages : limit));
    return std::move(train ? both.train : both.validation);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("dataset format '", format,
                   "' is not known; idx, cifar10, cifar100, image_folder, tar_shards and parquet are"));
}

absl::Status MeasurePixels(DatasetInfo& info) {
  if (!info.mean.empty()) return absl::OkStatus();
  PixelStatistics statistics(info.channels);
  MAE_RETURN_IF_ERROR(info.encoded ? MeasureSample(info, statistics) : MeasureAll(info, statistics));
  info.mean = statistics.Mean();
  info.std_dev = statistics.StdDev();
  return absl::OkStatus();
}

}  // namespace mae
