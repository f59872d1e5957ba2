#include "server/oip_images.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "server/half_float.h"
#include "server/oip_datatype.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

std::string PlaceIn(const OipTensor& tensor, int64_t index) {
  return absl::StrCat(tensor.name, "[", index, "]");
}

absl::Status WrongShape(const OipTensor& tensor, const std::string& expected) {
  return InvalidField(tensor.name,
                      absl::StrCat("has the shape ", ShapeText(tensor.shape), "; expected ", expected));
}

// Each value an encoded picture; [n, 1] is what clients send that count a value as a dimension.
absl::StatusOr<RequestInputs> DecodedImages(const OipTensor& tensor, const InferenceLimits& limits) {
  const auto& shape = tensor.shape;
  if (shape.empty() || shape.size() > 2 || (shape.size() == 2 && shape[1] != 1)) {
    return WrongShape(tensor, "[n], an encoded picture each");
  }
  MAE_RETURN_IF_ERROR(CheckImageCount(shape[0], tensor.name, limits));
  std::vector<EncodedPicture> encoded;
  for (const auto bytes : tensor.elements) {
    encoded.push_back({bytes, PlaceIn(tensor, static_cast<int64_t>(encoded.size()))});
  }
  RequestInputs inputs;
  MAE_ASSIGN_OR_RETURN(inputs.memory, ReserveDecoded(encoded, limits));
  for (const EncodedPicture& picture : encoded) {
    MAE_ASSIGN_OR_RETURN(auto image, Decode(picture, limits));
    inputs.images.push_back(std::move(image));
  }
  return inputs;
}

absl::StatusOr<RequestInputs> PixelImages(const OipTensor& tensor, const InferenceLimits& limits) {
  const auto& shape = tensor.shape;
  if (shape.size() != 4 || shape[1] < 1 || shape[2] < 1 || shape[3] < 1) {
    return WrongShape(tensor, "[n, H, W, C] with C 1, 3 or 4");
  }
  MAE_RETURN_IF_ERROR(CheckImageCount(shape[0], tensor.name, limits));
  MAE_RETURN_IF_ERROR(CheckPictureSize(shape[1], shape[2], shape[3], tensor.name, limits));
  const auto bytes = static_cast<size_t>(shape[1] * shape[2] * shape[3]);
  std::vector<PredictorInput> images;
  for (std::string_view rest = tensor.values(); !rest.empty(); rest.remove_prefix(bytes)) {
    images.push_back(Picture{shape[1], shape[2], shape[3], {rest.begin(), rest.begin() + bytes}});
  }
  return RequestInputs{nullptr, std::move(images)};
}

std::vector<float> FloatsOf(std::string_view bytes, inference::DataType type) {
  std::vector<float> floats(bytes.size() / static_cast<size_t>(ValueBytes(type)));
  if (type == inference::TYPE_FP32) {
    std::memcpy(floats.data(), bytes.data(), bytes.size());
    return floats;
  }
  for (size_t i = 0; i < floats.size(); ++i) {
    uint16_t bits = 0;
    std::memcpy(&bits, bytes.data() + i * sizeof(bits), sizeof(bits));
    floats[i] = type == inference::TYPE_FP16 ? FloatOfHalf(bits) : FloatOfBFloat16(bits);
  }
  return floats;
}

absl::StatusOr<RequestInputs> NormalizedImages(const OipTensor& tensor,
                                               const std::vector<int64_t>& image_shape,
                                               const InferenceLimits& limits) {
  const auto& shape = tensor.shape;
  if (shape.size() != 4 || !std::equal(image_shape.begin(), image_shape.end(), shape.begin() + 1)) {
    std::string expected = ShapeText(image_shape);
    return WrongShape(tensor, expected.replace(0, 1, "[n, ") + ", normalised and of the model's own size");
  }
  MAE_RETURN_IF_ERROR(CheckImageCount(shape[0], tensor.name, limits));
  const size_t bytes = tensor.values().size() / static_cast<size_t>(shape[0]);
  std::vector<PredictorInput> images;
  for (std::string_view rest = tensor.values(); !rest.empty(); rest.remove_prefix(bytes)) {
    images.push_back(FloatTensor{image_shape, FloatsOf(rest.substr(0, bytes), tensor.type)});
  }
  return RequestInputs{nullptr, std::move(images)};
}

}  // namespace

absl::StatusOr<RequestInputs> ImagesOf(const std::vector<OipTensor>& tensors, const ModelSignature& signature,
                                       const InferenceLimits& limits) {
  const OipTensor* encoded = FindTensor(tensors, kImagesInput);
  const OipTensor* pixels = FindTensor(tensors, kPixelsInput);
  const OipTensor* values = FindTensor(tensors, kPixelValuesInput);
  if ((encoded != nullptr) + (pixels != nullptr) + (values != nullptr) != 1) {
    return InvalidField("inputs",
                        "exactly one of images (BYTES, encoded pictures), pixels (UINT8) and pixel_values "
                        "(FP32, FP16 or BF16, normalised) must be there");
  }
  if (encoded != nullptr) return DecodedImages(*encoded, limits);
  if (pixels != nullptr) return PixelImages(*pixels, limits);
  return NormalizedImages(*values, signature.FindInput(kPixelValuesInput)->dims, limits);
}

absl::StatusOr<std::vector<bool>> MaskOf(const std::vector<OipTensor>& tensors,
                                         const ModelSignature& signature) {
  const OipTensor* mask = FindTensor(tensors, kMaskInput);
  if (mask == nullptr) return std::vector<bool>();
  const auto& expected = signature.FindInput(kMaskInput)->dims;
  const bool has_batch = mask->shape.size() == 2 && mask->shape[0] == 1 && mask->shape[1] == expected[0];
  if (mask->shape != expected && !has_batch) {
    return WrongShape(*mask,
                      ShapeText(expected) + ", a value a patch, true where it is hidden, for all images");
  }
  std::vector<bool> hidden;
  for (const char value : mask->values()) {
    if (value != 0 && value != 1) return InvalidField(mask->name, "a BOOL is 0 or 1");
    hidden.push_back(value == 1);
  }
  return hidden;
}

}  // namespace mae
