#pragma once

#include "absl/status/status.h"
#include "serving/predictor.h"
#include "serving/request_context.h"

namespace mae {

/// One forward pass of the predictor's kind (Reconstruct, Classify or Embed) over an image of zeros, so that
/// what a first pass costs is paid before a request comes. Blocks; errors are those of the pass.
absl::Status WarmUp(const Predictor& predictor, const RequestContext& context);

}  // namespace mae
