#include "train/epoch_picture.h"

#include <filesystem>
#include <string>

#include "absl/strings/str_format.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "data/batch.h"
#include "image/codec.h"
#include "runtime/precision.h"
#include "train/sample_pictures.h"
#include "train/validation.h"

namespace mae {

absl::StatusOr<PictureEvent> WriteEpochPicture(TrainTask& task, const ImageSet& validation,
                                               const JobOptions& options, const JobFolder& folder,
                                               const torch::Device& device, int64_t epoch) {
  const torch::NoGradGuard no_grad;
  task.model().eval();
  const auto indices = PictureIndices(options.seed, epoch, options.pictures, validation.count);
  const BatchMaker maker(validation, options.data.mean, options.data.std_dev);
  const Batch batch = ToDevice(maker.Make(indices, [](int64_t) { return false; }), device);
  const AutocastScope autocast(device, options.precision);
  MAE_ASSIGN_OR_RETURN(const Picture picture, task.Draw(batch));
  MAE_ASSIGN_OR_RETURN(const std::string png, EncodePng(picture));
  const std::string name = absl::StrFormat("epoch-%03d.png", epoch);
  MAE_RETURN_IF_ERROR(WriteFileDurably(folder.samples() / name, png));
  return PictureEvent{epoch, absl::StrFormat("validation images after epoch %d", epoch),
                      (folder.samples().filename() / name).string()};
}

}  // namespace mae
