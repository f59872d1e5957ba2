#include "server/model_to_proto.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/time_util.h"

namespace mae {

v1::ModelVersion ToProto(const ModelVersion& version, const ModelStore& store) {
  v1::ModelVersion message;
  message.set_name(version.resource_name());
  message.set_version(version.version);
  message.set_kind(version.config.kind_name());
  *message.mutable_create_time() =
      google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(version.created));
  message.set_job(version.card.job);
  message.set_recipe(version.card.recipe);
  message.set_dataset(version.card.dataset);
  message.set_parent(version.card.parent);
  message.set_parameters(version.card.parameters);
  message.mutable_metrics()->insert(version.card.metrics.begin(), version.card.metrics.end());
  const auto& encoder = version.config.encoder();
  message.set_channels(static_cast<int32_t>(encoder.channels));
  message.set_image_height(static_cast<int32_t>(encoder.image_height));
  message.set_image_width(static_cast<int32_t>(encoder.image_width));
  message.set_patch_size(static_cast<int32_t>(encoder.patch_size));
  message.mutable_labels()->Assign(version.config.labels.begin(), version.config.labels.end());
  message.set_sha256(version.card.sha256);
  message.set_loaded(store.IsLoaded(version));
  message.set_pinned(store.IsPinned(version));
  message.set_source(version.card.source);
  message.set_license(version.card.license);
  return message;
}

v1::Model ToProto(const ModelRecord& record, const ModelStore& store) {
  v1::Model message;
  message.set_name(absl::StrCat("models/", record.model));
  for (const auto& version : record.versions) *message.add_versions() = ToProto(version, store);
  message.mutable_aliases()->insert(record.aliases.begin(), record.aliases.end());
  return message;
}

}  // namespace mae
