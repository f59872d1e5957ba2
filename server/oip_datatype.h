#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "inference/model_config.pb.h"

/// The types of values in the Open Inference Protocol: as ModelConfig has them (inference.DataType, where
/// BYTES is TYPE_STRING), and by the names that tensors carry. Pure.
namespace mae {

/// "FP32"; "" for TYPE_INVALID.
std::string_view DatatypeName(inference::DataType type);

/// Nothing for a name that is none.
std::optional<inference::DataType> DatatypeOf(std::string_view name);

/// Bytes of one value; 0 for BYTES, whose values have their own.
int64_t ValueBytes(inference::DataType type);

}  // namespace mae
