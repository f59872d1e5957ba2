#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/decoded_memory.h"
#include "serving/predictor.h"

/// What holds for the images of every inference request, whichever message they came in. INVALID_ARGUMENT
/// with `field` as details and the limit in words.
namespace mae {

/// What one inference request may ask for.
struct InferenceLimits {
  int64_t max_images_per_request = 256;         ///< at least 1
  int64_t max_image_pixels = int64_t{1} << 25;  ///< height x width of one picture, at least 1
  int64_t max_message_bytes = 64 << 20;         ///< of one answer
  /// For the pictures of all requests; copies share it.
  std::shared_ptr<DecodedMemory> decoded = std::make_shared<DecodedMemory>(int64_t{1} << 30);
};

absl::Status CheckImageCount(int64_t images, const std::string& field, const InferenceLimits& limits);

/// Each image is answered at each ratio: `images` x `ratios` answers are bounded as images are.
absl::Status CheckRatioCount(int64_t images, int64_t ratios, const std::string& field,
                             const InferenceLimits& limits);

/// Whether `images` answers of so many float32 values each fit into a message.
absl::Status CheckAnswerSize(int64_t images, int64_t values_each, const std::string& field,
                             const InferenceLimits& limits);

/// The images of one request. Encoded ones hold their share of the memory until this is gone.
struct RequestInputs {
  DecodedMemory::Share memory;
  std::vector<PredictorInput> images;
};

/// Encoded pictures that one request may bring: 16 of the largest, or what the memory for all has room for.
int64_t MaxRequestPixels(const InferenceLimits& limits);

/// A picture as it came: PNG, JPEG, WebP or BMP. A view.
struct EncodedPicture {
  std::string_view bytes;
  std::string field;
};

/// Takes the memory that the pictures of a request will need, by their headers: called before any of them is
/// decoded. What they are decoded through comes on top, one picture at a time.
/// @return RESOURCE_EXHAUSTED (DecodedMemory has it), INVALID_ARGUMENT for the first picture that is none, is
/// too large, or with which the request has more than MaxRequestPixels.
absl::StatusOr<DecodedMemory::Share> ReserveDecoded(const std::vector<EncodedPicture>& pictures,
                                                    const InferenceLimits& limits);

/// Blocks for that. For a picture of which the memory is taken.
absl::StatusOr<PredictorInput> Decode(const EncodedPicture& picture, const InferenceLimits& limits);

/// The sizes of a raw picture, each at least 1: channels that can be read, and not too many pixels.
absl::Status CheckPictureSize(int64_t height, int64_t width, int64_t channels, const std::string& field,
                              const InferenceLimits& limits);

/// For requests that say exact_size: every picture is as large as the model's. "images[i]" is the field.
absl::Status CheckExactSize(const std::vector<PredictorInput>& inputs, const EncoderOptions& encoder);

}  // namespace mae
