#include "server/dataset_to_proto.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace mae {

v1::Dataset ToProto(const DatasetEntry& entry) {
  v1::Dataset message;
  message.set_name(absl::StrCat("datasets/", entry.name));
  message.set_path(entry.path.string());
  if (!entry.info.ok()) {
    message.set_problem(std::string(entry.info.status().message()));
    return message;
  }
  const auto& info = *entry.info;
  message.set_format(info.format);
  message.set_train_images(info.train_images);
  message.set_validation_images(info.validation_images);
  message.set_channels(static_cast<int32_t>(info.channels));
  message.set_image_height(static_cast<int32_t>(info.height));
  message.set_image_width(static_cast<int32_t>(info.width));
  message.mutable_labels()->Assign(info.labels.begin(), info.labels.end());
  message.mutable_mean()->Assign(info.mean.begin(), info.mean.end());
  message.mutable_std()->Assign(info.std_dev.begin(), info.std_dev.end());
  return message;
}

absl::StatusOr<v1::DatasetImage> ToProto(const Picture& picture, int64_t index, int64_t label,
                                         const DatasetInfo& info) {
  if (picture.channels != 1 && picture.channels != 3) {
    return absl::FailedPreconditionError(
        absl::StrCat("images of ", picture.channels, " channels can't be written as PNG"));
  }
  v1::DatasetImage message;
  MAE_ASSIGN_OR_RETURN(*message.mutable_png(), EncodePng(picture));
  message.set_label(static_cast<int32_t>(label));
  if (label < static_cast<int64_t>(info.labels.size())) message.set_label_name(info.labels[label]);
  message.set_index(index);
  return message;
}

}  // namespace mae
