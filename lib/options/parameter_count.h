#pragma once

#include <cstdint>

#include "options/model_options.h"

/// How large a model is before any of it is allocated. Pure functions: safe from any thread.
namespace mae {

/// Values in all parameters and position embeddings, trained or fixed.
/// @param options within the limits of options/model_limits.h, or the count may overflow.
int64_t ParameterCount(const MaskedAutoencoderOptions& options);
int64_t ParameterCount(const VisionTransformerOptions& options);

}  // namespace mae
