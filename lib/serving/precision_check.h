#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "serving/predictor.h"

/// What a setting calls a precision, and where models can compute in it. Pure. Torch-free.
namespace mae {

/// @param name auto, bf16, fp32 or int8.
InferencePrecision PrecisionNamed(std::string_view name);

/// @param device cpu or cuda:N, as ResolveDevice answers.
/// @param has_fast_bf16 HasFastBf16(device).
/// @return FAILED_PRECONDITION "precision: …" with what to do.
absl::Status CheckPrecisionRuns(InferencePrecision precision, const std::string& device, bool has_fast_bf16);

}  // namespace mae
