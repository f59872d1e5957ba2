#pragma once

#include <cstdint>

/// How large models may be: the one place of these numbers, for specs (recipe/model_limits.h) and for
/// descriptions that come with weights (serving/config_check.h). Within them no product of two sizes
/// overflows.
namespace mae {

inline constexpr int64_t kMaxChannels = 16;
inline constexpr int64_t kMaxImageSide = 4096;  ///< pixels
inline constexpr int64_t kMaxPatches = 16384;   ///< an image; attention holds the square of it
inline constexpr int64_t kMinWidth = 4;         ///< embed_dim
inline constexpr int64_t kMaxWidth = 16384;     ///< embed_dim
inline constexpr int64_t kMaxDepth = 256;       ///< blocks
inline constexpr int64_t kMaxClasses = 1'000'000;
inline constexpr int64_t kMaxAliases = 64;    ///< that one version is published under
inline constexpr double kMinMlpRatio = 0.25;  ///< leaves a hidden width of 1 at kMinWidth
inline constexpr double kMaxMlpRatio = 64.0;
/// 8 GB of fp32 weights; a training step holds four times that in weights, gradients and AdamW moments.
inline constexpr int64_t kMaxParameters = 2'000'000'000;

}  // namespace mae
