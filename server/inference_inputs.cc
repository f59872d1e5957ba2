#include "server/inference_inputs.h"

#include <algorithm>
#include <variant>

#include "absl/strings/str_cat.h"
#include "image/codec.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

// Of all encoded pictures of a request together, as many pixels as so many of the largest.
constexpr int64_t kLargestPictures = 16;
constexpr int64_t kPixelBytes = 4;  // at most: RGBA

}  // namespace

absl::Status CheckImageCount(int64_t images, const std::string& field, const InferenceLimits& limits) {
  if (images >= 1 && images <= limits.max_images_per_request) return absl::OkStatus();
  return InvalidField(field,
                      absl::StrCat(images, " images; a request takes 1 to ", limits.max_images_per_request));
}

absl::Status CheckRatioCount(int64_t images, int64_t ratios, const std::string& field,
                             const InferenceLimits& limits) {
  if (ratios <= 1 || ratios <= limits.max_images_per_request / std::max<int64_t>(images, 1))
    return absl::OkStatus();
  return InvalidField(field,
                      absl::StrCat(images, " images at ", ratios, " ratios each are more than the ",
                                   limits.max_images_per_request, " reconstructions that a request takes"));
}

absl::Status CheckAnswerSize(int64_t images, int64_t values_each, const std::string& field,
                             const InferenceLimits& limits) {
  const int64_t bytes_each = values_each * static_cast<int64_t>(sizeof(float));
  const int64_t most = limits.max_message_bytes / std::max<int64_t>(bytes_each, 1);
  if (images <= most) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("an answer of ", bytes_each, " bytes an image for ", images,
                                          " images is more than a message of ", limits.max_message_bytes,
                                          " bytes (rpc.max_message_mib); ",
                                          most > 0 ? absl::StrCat("send at most ", most, " images at a time")
                                                   : "the server must allow larger messages"));
}

int64_t MaxRequestPixels(const InferenceLimits& limits) {
  return std::min(kLargestPictures * limits.max_image_pixels, limits.decoded->bytes() / kPixelBytes);
}

absl::StatusOr<DecodedMemory::Share> ReserveDecoded(const std::vector<EncodedPicture>& pictures,
                                                    const InferenceLimits& limits) {
  const int64_t most = MaxRequestPixels(limits);
  int64_t pixels = 0;
  for (const EncodedPicture& picture : pictures) {
    const auto header = ReadSizedHeader(picture.bytes, limits.max_image_pixels);
    if (!header.ok()) return InvalidField(picture.field, std::string(header.status().message()));
    if (header->width > most / header->height) {
      return InvalidField(
          picture.field,
          absl::StrCat("its ", header->width, " x ", header->height, " pixels are more than ", most,
                       ", for which there is memory (inference.max_decoded_mib); send it smaller"));
    }
    if (header->width > (most - pixels) / header->height) {
      return InvalidField(
          picture.field,
          absl::StrCat(
              "with its ", header->width, " x ", header->height,
              " pixels the request's pictures have more than ", most, ", the limit for all of a request",
              most < kLargestPictures * limits.max_image_pixels ? " (inference.max_decoded_mib)" : "",
              "; send fewer at a time"));
    }
    pixels += header->width * header->height;
  }
  return limits.decoded->Take(pixels * kPixelBytes);
}

absl::StatusOr<PredictorInput> Decode(const EncodedPicture& picture, const InferenceLimits& limits) {
  auto decoded = DecodePicture(picture.bytes, limits.max_image_pixels);
  if (absl::IsInvalidArgument(decoded.status()))
    return InvalidField(picture.field, std::string(decoded.status().message()));
  return decoded;  // What else fails is no fault of the picture.
}

absl::Status CheckPictureSize(int64_t height, int64_t width, int64_t channels, const std::string& field,
                              const InferenceLimits& limits) {
  if (channels != 1 && channels != 3 && channels != 4) {
    return InvalidField(field, absl::StrCat(channels, " channels; 1, 3 or 4 can be read"));
  }
  if (height <= limits.max_image_pixels / width) return absl::OkStatus();
  return InvalidField(field, absl::StrCat(height, " x ", width, " pixels are more than the limit of ",
                                          limits.max_image_pixels));
}

absl::Status CheckExactSize(const std::vector<PredictorInput>& inputs, const EncoderOptions& encoder) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto* picture = std::get_if<Picture>(&inputs[i]);
    if (picture == nullptr) continue;  // values, of which the predictor sees to it
    if (picture->height == encoder.image_height && picture->width == encoder.image_width) continue;
    return absl::InvalidArgumentError(absl::StrCat("images[", i, "]: is ", picture->height, " high and ",
                                                   picture->width, " wide; exact_size asks for the model's ",
                                                   encoder.image_height, " x ", encoder.image_width));
  }
  return absl::OkStatus();
}

}  // namespace mae
