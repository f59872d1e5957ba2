#pragma once

#include <cstdint>
#include <memory>
#include <opencv2/core.hpp>
#include <string_view>

#include "absl/status/statusor.h"

namespace mae {

/// What reads image files for DecodePicture (image/codec.h) outside of this process, so that a file which the
/// readers of others fall over takes no more with it than its own request. Headers are read, and sizes held
/// against their limits, before. Called from any thread.
class ImageFileDecoder {
 public:
  virtual ~ImageFileDecoder() = default;

  /// As cv::imdecode: empty if the file is damaged. Blocks. INVALID_ARGUMENT if decoding ends the decoder, or
  /// gives more pixels than that; else what keeps it from deciding.
  /// @param flags of cv::imdecode @param pixels height x width that the header says
  virtual absl::StatusOr<cv::Mat> Decode(std::string_view bytes, int flags, int64_t pixels) = 0;
};

/// What decodes from now on, in all threads; null: this process itself, as it is at first. Thread-safe; calls
/// under way keep the one that they have.
void SetDecoderApart(std::shared_ptr<ImageFileDecoder> decoder);
std::shared_ptr<ImageFileDecoder> DecoderApart();

}  // namespace mae
