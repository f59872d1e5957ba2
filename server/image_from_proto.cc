#include "server/image_from_proto.h"

#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

// Normalised values travel little-endian and are copied as they are.
static_assert(std::endian::native == std::endian::little);

// Three sizes from 1, of which the product fits the bytes; checked by division, so that nothing overflows.
absl::Status CheckShape(const v1::RawImage& raw, size_t value_bytes, const std::string& field) {
  const auto& shape = raw.shape();
  const auto shown = absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
  if (shape.size() != 3 || shape[0] < 1 || shape[1] < 1 || shape[2] < 1) {
    return InvalidField(field + ".shape", absl::StrCat(shown, " must be three sizes from 1 up"));
  }
  const auto values = raw.data().size() / value_bytes;
  const auto rows = static_cast<size_t>(shape[0]), cols = static_cast<size_t>(shape[1]);
  const bool fits = raw.data().size() % value_bytes == 0 && values % rows == 0 && values / rows % cols == 0 &&
                    values / rows / cols == static_cast<size_t>(shape[2]);
  if (fits) return absl::OkStatus();
  return InvalidField(field + ".data", absl::StrCat(raw.data().size(), " bytes don't fit the shape ", shown,
                                                    " of ", value_bytes, "-byte values"));
}

absl::StatusOr<PredictorInput> BytesPicture(const v1::RawImage& raw, const std::string& field,
                                            const InferenceLimits& limits) {
  MAE_RETURN_IF_ERROR(CheckShape(raw, 1, field));
  const int64_t height = raw.shape(0), width = raw.shape(1), channels = raw.shape(2);
  MAE_RETURN_IF_ERROR(CheckPictureSize(height, width, channels, field + ".shape", limits));
  return Picture{height, width, channels, {raw.data().begin(), raw.data().end()}};
}

absl::StatusOr<PredictorInput> NormalizedValues(const v1::RawImage& raw, const std::string& field) {
  MAE_RETURN_IF_ERROR(CheckShape(raw, sizeof(float), field));
  FloatTensor tensor{{raw.shape().begin(), raw.shape().end()},
                     std::vector<float>(raw.data().size() / sizeof(float))};
  std::memcpy(tensor.values.data(), raw.data().data(), raw.data().size());
  return tensor;
}

absl::StatusOr<PredictorInput> InputFromProto(const v1::Image& image, const std::string& field,
                                              const InferenceLimits& limits) {
  if (image.has_encoded()) return Decode({image.encoded(), field + ".encoded"}, limits);
  if (!image.has_raw()) return InvalidField(field, "has neither encoded nor raw; set one");
  switch (image.raw().data_type()) {
    case v1::RawImage::UINT8_HWC:
      return BytesPicture(image.raw(), field + ".raw", limits);
    case v1::RawImage::FLOAT32_CHW:
      return NormalizedValues(image.raw(), field + ".raw");
    default:
      return InvalidField(field + ".raw.data_type",
                          absl::StrCat(image.raw().data_type(), " is not UINT8_HWC (1) or FLOAT32_CHW (2)"));
  }
}

std::string PlaceOf(int image) { return absl::StrCat("images[", image, "]"); }

}  // namespace

absl::StatusOr<RequestInputs> InputsFromProto(const google::protobuf::RepeatedPtrField<v1::Image>& images,
                                              const InferenceLimits& limits) {
  MAE_RETURN_IF_ERROR(CheckImageCount(images.size(), "images", limits));
  std::vector<EncodedPicture> encoded;
  for (int i = 0; i < images.size(); ++i) {
    if (images[i].has_encoded()) encoded.push_back({images[i].encoded(), PlaceOf(i) + ".encoded"});
  }
  RequestInputs inputs;
  MAE_ASSIGN_OR_RETURN(inputs.memory, ReserveDecoded(encoded, limits));
  for (int i = 0; i < images.size(); ++i) {
    MAE_ASSIGN_OR_RETURN(auto input, InputFromProto(images[i], PlaceOf(i), limits));
    inputs.images.push_back(std::move(input));
  }
  return inputs;
}

}  // namespace mae
