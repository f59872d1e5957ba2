#include "train/train_data.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "data/decoded_cache.h"

namespace mae {
namespace {

absl::Status CheckShape(const JobOptions& options, const ImageSet& images) {
  const auto& encoder = options.encoder();
  const bool fits = images.height == encoder.image_height && images.width == encoder.image_width;
  if (images.channels == encoder.channels && (fits || options.augmentation.random_resized_crop.has_value())) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "data.dataset: the images of ", options.data.dataset, " are ", images.height, "x", images.width,
      " with ", images.channels, " channels, the model takes ", encoder.image_height, "x",
      encoder.image_width, " with ", encoder.channels,
      "; leave model.image_height, image_width and channels unset to follow the dataset, or, for "
      "images of another size, set augmentation.random_resized_crop"));
}

// Encoded images take the size that the model wants.
void FitTo(const EncoderOptions& encoder, ImageSet& images) {
  if (!images.encoded) return;
  images.height = encoder.image_height;
  images.width = encoder.image_width;
}

absl::Status CheckClasses(const JobOptions& options, const ImageSet& images) {
  const auto* finetune = std::get_if<FinetuneOptions>(&options.kind);
  const auto* probe = std::get_if<LinearProbeOptions>(&options.kind);
  if (finetune == nullptr && probe == nullptr) return absl::OkStatus();
  const int64_t classes = finetune != nullptr ? finetune->model.num_classes : probe->model.num_classes;
  const int64_t needed = ClassesOf(images);
  if (needed <= classes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(options.kind_name(), ".num_classes: ", options.data.dataset,
                                                 " has ", needed, " classes, the head has ", classes,
                                                 "; set it to 0 to follow the dataset"));
}

absl::Status CheckSplit(const JobOptions& options, const ImageSet& images) {
  MAE_RETURN_IF_ERROR(CheckShape(options, images));
  if (images.count > 0) return CheckClasses(options, images);
  return absl::InvalidArgumentError(
      absl::StrCat("data.dataset: a split of ", options.data.dataset, " has no images"));
}

absl::Status CheckBatches(const DataOptions& data, const ImageSet& train) {
  if (!data.drop_last || train.count >= data.batch_size) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("data.batch_size: ", data.batch_size, " is more than the ", train.count,
                   " training images, and drop_last leaves no batch; take a smaller one or unset drop_last"));
}

LoaderOptions ForBothSplits(const JobOptions& options) {
  LoaderOptions common;
  common.batch_size = options.data.batch_size;
  common.seed = options.seed;
  common.workers = options.data.workers;
  common.mean = options.data.mean;
  common.std_dev = options.data.std_dev;
  common.transform.augmentation = options.augmentation;
  common.transform.seed = options.seed;
  common.transform.height = options.encoder().image_height;
  common.transform.width = options.encoder().image_width;
  return common;
}

}  // namespace

absl::StatusOr<TrainData> LoadTrainData(const JobOptions& options) {
  const auto& data = options.data;
  MAE_ASSIGN_OR_RETURN(LoadedDataset dataset,
                       LoadDataset(data.dataset, data.path, data.train_images, data.validation_images));
  TrainData loaded{std::move(dataset.info.labels), std::move(dataset.train), std::move(dataset.validation)};
  if (data.cache_decoded_mib > 0)
    loaded.train.decoded = loaded.validation.decoded =
        std::make_shared<DecodedCache>(data.cache_decoded_mib << 20);
  FitTo(options.encoder(), loaded.train);
  FitTo(options.encoder(), loaded.validation);
  MAE_RETURN_IF_ERROR(CheckSplit(options, loaded.train));
  MAE_RETURN_IF_ERROR(CheckSplit(options, loaded.validation));
  MAE_RETURN_IF_ERROR(CheckBatches(data, loaded.train));
  return loaded;
}

int64_t StepsPerEpoch(const JobOptions& options, const TrainData& data) {
  const int64_t whole = data.train.count / options.data.batch_size;
  return options.data.drop_last || data.train.count % options.data.batch_size == 0 ? whole : whole + 1;
}

int64_t ClassesOf(const ImageSet& images) {
  return images.labels.empty() ? 0 : *std::max_element(images.labels.begin(), images.labels.end()) + 1;
}

LoaderOptions TrainLoaderOptions(const JobOptions& options) {
  LoaderOptions loader = ForBothSplits(options);
  loader.drop_last = options.data.drop_last;
  loader.transform.training = true;
  return loader;
}

LoaderOptions ValidationLoaderOptions(const JobOptions& options) {
  LoaderOptions loader = ForBothSplits(options);
  loader.shuffle = false;
  return loader;
}

LoaderOptions OfRank(LoaderOptions options, const ProcessGroup& group) {
  options.rank = group.rank();
  options.ranks = group.ranks();
  return options;
}

}  // namespace mae
