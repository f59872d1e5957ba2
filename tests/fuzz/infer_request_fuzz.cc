#include "server/image_from_proto.h"
#include "server/inference_options_from_proto.h"
#include "tests/fuzz/served_models.h"

namespace {

template <typename T>
bool IsRead(const absl::StatusOr<T>& result) {
  FUZZ_REQUIRE(result.ok() || absl::IsInvalidArgument(result.status()) ||
               absl::IsResourceExhausted(result.status()));
  return result.ok();
}

void ReadReconstruct(const mae::v1::ReconstructRequest& request) {
  static const auto* const config = new mae::ModelConfig(mae::SmallAutoencoder());
  static const auto* const limits = new mae::InferenceLimits(mae::SmallLimits());
  const auto inputs = mae::InputsFromProto(request.images(), *limits);
  if (IsRead(inputs)) mae::CheckInputs(*inputs, *limits);
  IsRead(mae::OptionsFromProto(request, *config));
  IsRead(mae::PictureStyleFor(request.picture_scale(), request.picture_format(), config->encoder()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mae::v1::ReconstructRequest reconstruct;
  if (size == 0 || reconstruct.ParseFromArray(data, static_cast<int>(size))) ReadReconstruct(reconstruct);
  mae::v1::EmbedRequest embed;
  if (size == 0 || embed.ParseFromArray(data, static_cast<int>(size))) IsRead(mae::OptionsFromProto(embed));
  return 0;
}
