#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "serving/predictor.h"

/// Whether what a model gave can be answered: each value a finite number. Pure. The error names the first
/// input whose answer is none: INVALID_ARGUMENT "images[i]: …" for values, which may be too large for the
/// model (weights that are at fault look the same from here, and the words say so); INTERNAL for a picture,
/// whose values never are, so that the weights must be.
namespace mae {

/// @param answers of all inputs behind one another, as many values each.
absl::Status CheckFinite(const std::vector<PredictorInput>& inputs, absl::Span<const float> answers);

/// @param rows one an input.
absl::Status CheckFinite(const std::vector<PredictorInput>& inputs,
                         const std::vector<std::vector<float>>& rows);

}  // namespace mae
