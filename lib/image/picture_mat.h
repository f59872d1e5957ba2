#pragma once

#include <exception>
#include <new>
#include <opencv2/core.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "image/codec.h"

/// The boundary to OpenCV: pictures as matrices, and its exceptions as Status. Only lib/image includes it.
namespace mae {

/// INVALID_ARGUMENT unless 1 <= height, width <= 2^20, channels is 1, 3 or 4, and pixels has their product.
absl::Status CheckPicture(const Picture& picture);

/// A view of a picture that CheckPicture takes; channels stay in their order. It must not be written to, and
/// not outlive the picture.
cv::Mat ViewAsMat(const Picture& picture);

/// A copy of an 8-bit matrix, channels as they are.
Picture CopyToPicture(const cv::Mat& mat);

/// Calls `function` (gives a Status or StatusOr); what OpenCV throws becomes `code` with its words, memory
/// that could not be had RESOURCE_EXHAUSTED. The one place that catches.
template <typename Function>
auto CallOpenCv(absl::StatusCode code, const Function& function) -> decltype(function()) {
  try {
    return function();
  } catch (const cv::Exception& error) {
    if (error.code == cv::Error::StsNoMem)
      return absl::ResourceExhaustedError("no memory for the picture; send a smaller one");
    return absl::Status(code, "OpenCV: " + (error.err.empty() ? std::string(error.what()) : error.err));
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("no memory for the picture; send a smaller one");
  }
}

}  // namespace mae
