#pragma once

#include <string>

#include "absl/status/status.h"

namespace mae {

/// Whether models can compute in a precision on a device. Pure.
/// @param precision of inference.precision: auto, bf16, fp32 or int8.
/// @param device cpu or cuda:N, as ResolveDevice answers.
/// @param has_fast_bf16 HasFastBf16(device).
/// @return INVALID_ARGUMENT that begins with inference.precision.
absl::Status CheckPrecisionRuns(const std::string& precision, const std::string& device, bool has_fast_bf16);

}  // namespace mae
