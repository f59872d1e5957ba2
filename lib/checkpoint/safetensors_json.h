#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

/// The JSON of a safetensors header, as written: the grammar is checked here, what it means in
/// safetensors_header.h. Pure functions.
namespace mae {

struct TensorJson {
  std::string name, dtype;
  std::vector<uint64_t> shape;
  uint64_t begin = 0, end = 0;
};

struct HeaderJson {
  std::vector<TensorJson> tensors;  ///< as they come
  std::map<std::string, std::string> metadata;
};

/// Reads event by event, so that memory stays in proportion to `json` whatever it holds. INVALID_ARGUMENT
/// names the tensor and the fault: a key given twice, unknown or missing, another type of value, bad UTF-8,
/// anything nested deeper, anything after the end.
absl::StatusOr<HeaderJson> ParseHeaderJson(std::string_view json);

}  // namespace mae
