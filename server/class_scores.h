#pragma once

#include <cstdint>
#include <vector>

/// What a classifier's logits say. Pure.
namespace mae {

/// @param logits at least one.
std::vector<float> Softmax(const std::vector<float>& logits);

/// Where the `count` highest values are, highest first, the lower index first among equals.
/// @param count at most as many as there are.
std::vector<int64_t> HighestFirst(const std::vector<float>& values, int64_t count);

}  // namespace mae
