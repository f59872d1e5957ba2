#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "serving/predictor.h"

/// What holds for the images of every inference request, whichever message they came in. INVALID_ARGUMENT
/// with `field` as details and the limit in words.
namespace mae {

/// What one inference request may ask for.
struct InferenceLimits {
  int64_t max_images_per_request = 256;         ///< at least 1
  int64_t max_image_pixels = int64_t{1} << 25;  ///< height x width of one picture, at least 1
  int64_t max_message_bytes = 64 << 20;         ///< of one answer
};

absl::Status CheckImageCount(int64_t images, const std::string& field, const InferenceLimits& limits);

/// Each image is answered at each ratio: `images` x `ratios` answers are bounded as images are.
absl::Status CheckRatioCount(int64_t images, int64_t ratios, const std::string& field,
                             const InferenceLimits& limits);

/// Whether `images` answers of so many float32 values each fit into a message.
absl::Status CheckAnswerSize(int64_t images, int64_t values_each, const std::string& field,
                             const InferenceLimits& limits);

/// Decodes the pictures of one request, which share a limit: a small file can be a large picture, and all of
/// a request's are in memory at a time. Not thread-safe.
class RequestDecoder {
 public:
  /// Of all its pictures together, as many pixels as this number of the largest.
  static constexpr int64_t kLargestPictures = 16;

  explicit RequestDecoder(const InferenceLimits& limits)
      : max_image_pixels_(limits.max_image_pixels),
        pixels_left_(kLargestPictures * limits.max_image_pixels) {}

  /// Decodes PNG, JPEG, WebP or BMP; blocks for that. Sizes are checked before anything is allocated.
  absl::StatusOr<PredictorInput> Decode(std::string_view encoded, const std::string& field);

 private:
  const int64_t max_image_pixels_;
  int64_t pixels_left_;
};

/// The sizes of a raw picture, each at least 1: channels that can be read, and not too many pixels.
absl::Status CheckPictureSize(int64_t height, int64_t width, int64_t channels, const std::string& field,
                              const InferenceLimits& limits);

/// For requests that say exact_size: every picture is as large as the model's. "images[i]" is the field.
absl::Status CheckExactSize(const std::vector<PredictorInput>& inputs, const EncoderOptions& encoder);

}  // namespace mae
