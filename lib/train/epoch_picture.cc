#include "train/epoch_picture.h"

#include <filesystem>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "data/batch.h"
#include "image/codec.h"
#include "runtime/precision.h"
#include "train/sample_pictures.h"
#include "train/train_data.h"
#include "train/validation.h"

namespace mae {
namespace {

constexpr double kShownRatios[] = {0.25, 0.5, 0.75};

// Some validation images, a function of the seed and `epoch`.
Batch PictureBatch(const ImageSet& validation, const JobOptions& options, const torch::Device& device,
                   int64_t epoch) {
  const auto indices = PictureIndices(options.seed, epoch, options.pictures, validation.count);
  const BatchMaker maker(validation, options.data.mean, options.data.std_dev,
                         ValidationLoaderOptions(options).transform);
  return ToDevice(maker.Make(indices, 0), device);
}

absl::StatusOr<PictureEvent> WritePicture(const Picture& picture, const JobFolder& folder,
                                          const std::string& name, int64_t epoch, std::string caption) {
  MAE_ASSIGN_OR_RETURN(const std::string png, EncodePng(picture));
  MAE_RETURN_IF_ERROR(WriteFileDurably(folder.samples() / name, png));
  return PictureEvent{epoch, std::move(caption), (folder.samples().filename() / name).string()};
}

}  // namespace

absl::StatusOr<PictureEvent> WriteEpochPicture(TrainTask& task, const ImageSet& validation,
                                               const JobOptions& options, const JobFolder& folder,
                                               const torch::Device& device, int64_t epoch) {
  const torch::NoGradGuard no_grad;
  task.model().eval();
  const Batch batch = PictureBatch(validation, options, device, epoch);
  const AutocastScope autocast(device, options.precision);
  MAE_ASSIGN_OR_RETURN(const Picture picture, task.Draw(batch));
  return WritePicture(picture, folder, absl::StrFormat("epoch-%03d.png", epoch), epoch,
                      absl::StrFormat("validation images after epoch %d", epoch));
}

absl::StatusOr<PictureEvent> WriteRatioPicture(TrainTask& task, const ImageSet& validation,
                                               const JobOptions& options, const JobFolder& folder,
                                               const torch::Device& device, const std::string& when,
                                               int64_t epoch) {
  const torch::NoGradGuard no_grad;
  task.model().eval();
  const Batch batch = PictureBatch(validation, options, device, 0);
  const AutocastScope autocast(device, options.precision);
  MAE_ASSIGN_OR_RETURN(const Picture picture,
                       task.DrawRatios(batch, {std::begin(kShownRatios), std::end(kShownRatios)}));
  return WritePicture(picture, folder, absl::StrCat("mask-ratios-", when, ".png"), epoch,
                      absl::StrCat("a quarter, a half and three quarters hidden, ", when, " training"));
}

}  // namespace mae
