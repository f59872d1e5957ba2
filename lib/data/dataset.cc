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

// At least the first `limit` images of each split; 0: all.
absl::StatusOr<EncodedDataset> ScanEncoded(const std::string& format, const std::filesystem::path& path,
                                           int64_t limit) {
  if (format == "parquet") return ScanParquetImages(path, limit);
  return format == "image_folder" ? ScanImageFolder(path) : ScanTarShards(path);
}

absl::StatusOr<DatasetInfo> InspectEncoded(const std::string& format, const std::filesystem::path& path) {
  MAE_ASSIGN_OR_RETURN(EncodedDataset dataset, ScanEncoded(format, path, kInspectedImages));
  MAE_ASSIGN_OR_RETURN(const EncodedShape shape, SampleShape(dataset.train));
  DatasetInfo info;
  info.format = format;
  info.encoded = true;
  info.train_images = dataset.train_images;
  info.validation_images = dataset.validation_images;
  info.channels = shape.channels;
  info.height = shape.height > 0 ? shape.height : kDefaultSide;
  info.width = shape.width > 0 ? shape.width : kDefaultSide;
  info.labels = std::move(dataset.labels);
  return info;
}

absl::StatusOr<ImageSet> LoadEncoded(const std::string& format, const std::filesystem::path& path,
                                     Split split, int64_t limit) {
  MAE_ASSIGN_OR_RETURN(EncodedDataset dataset, ScanEncoded(format, path, limit));
  MAE_ASSIGN_OR_RETURN(const EncodedShape shape, SampleShape(dataset.train));
  auto images =
      std::make_shared<EncodedImages>(std::move(split == Split::kTrain ? dataset.train : dataset.validation));
  KeepFirst(*images, limit);
  ImageSet set;
  set.count = images->count();
  set.channels = shape.channels;
  set.height = shape.height > 0 ? shape.height : kDefaultSide;
  set.width = shape.width > 0 ? shape.width : kDefaultSide;
  set.labels = images->labels;
  set.encoded = std::move(images);
  return set;
}

absl::StatusOr<DatasetInfo> InspectFiles(const std::string& name, const std::filesystem::path& path) {
  if (HasIdxFiles(path)) return InspectIdx(path);
  MAE_ASSIGN_OR_RETURN(std::optional<DatasetInfo> info, InspectCifar(path));
  if (info) return *std::move(info);
  if (HasImageFolders(path)) return InspectEncoded("image_folder", path);
  if (HasTarShards(path)) return InspectEncoded("tar_shards", path);
  if (HasParquetImages(path)) return InspectEncoded("parquet", path);
  return NothingKnownAt(name, path);
}

absl::Status AddWhatIsKnown(DatasetInfo& info) {
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

}  // namespace

absl::StatusOr<DatasetInfo> InspectDataset(const std::string& name, const std::filesystem::path& path) {
  MAE_ASSIGN_OR_RETURN(DatasetInfo info, InspectFiles(name, path));
  info.name = name;
  info.path = path;
  MAE_RETURN_IF_ERROR(AddWhatIsKnown(info));
  return info;
}

absl::StatusOr<ImageSet> LoadSplit(const std::string& format, const std::filesystem::path& path, Split split,
                                   int64_t limit) {
  if (format == "idx") return LoadIdx(path, split, limit);
  if (format == "cifar10" || format == "cifar100") return LoadCifar(format, path, split, limit);
  if (format == "image_folder" || format == "tar_shards" || format == "parquet")
    return LoadEncoded(format, path, split, limit);
  return absl::InvalidArgumentError(
      absl::StrCat("dataset format '", format,
                   "' is not known; idx, cifar10, cifar100, image_folder, tar_shards and parquet are"));
}

absl::Status MeasurePixels(DatasetInfo& info) {
  if (!info.mean.empty()) return absl::OkStatus();
  MAE_ASSIGN_OR_RETURN(const ImageSet images, LoadSplit(info.format, info.path, Split::kTrain, 0));
  PixelStatistics statistics(images.channels);
  const int64_t sample = images.encoded ? std::min<int64_t>(images.count, kMeasuredImages) : images.count;
  for (int64_t i = 0; i < sample; ++i) {
    MAE_ASSIGN_OR_RETURN(const Picture picture, PictureOf(images, images.count * i / sample));
    statistics.Add(picture);
  }
  info.mean = statistics.Mean();
  info.std_dev = statistics.StdDev();
  return absl::OkStatus();
}

}  // namespace mae
