#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "checkpoint/safetensors.h"

/// The head of a safetensors file: 8 bytes of length, then JSON. Pure functions.
namespace mae {

/// Where a tensor's bytes lie, counted from the end of the head.
struct TensorEntry {
  std::string name;
  torch::ScalarType type;
  std::vector<int64_t> shape;
  int64_t begin = 0, end = 0;
};

struct SafetensorsHeader {
  std::vector<TensorEntry> entries;  ///< in order of their bytes
  std::map<std::string, std::string> metadata;
};

/// The length of the JSON that the first 8 bytes announce.
/// @param file_bytes of the whole file. INVALID_ARGUMENT: longer than the file, or than the format's
/// 100,000,000.
absl::StatusOr<int64_t> HeaderLength(std::string_view first_eight, int64_t file_bytes);

/// Strict: every number is checked before it is used, so that entries fill exactly data_bytes without hole or
/// overlap and each entry's bytes are its shape times its type. INVALID_ARGUMENT names the tensor and the
/// fault.
absl::StatusOr<SafetensorsHeader> ParseHeader(std::string_view json, int64_t data_bytes);

/// Lays tensors out and writes the head, padded with spaces to a multiple of 8. Wider types come first, so
/// that every tensor is aligned; else the order stays. INVALID_ARGUMENT: a name given twice or not UTF-8, or
/// a type that the format lacks.
struct SafetensorsLayout {
  std::string head;
  NamedTensors tensors;  ///< in order of their bytes, as given otherwise
};
absl::StatusOr<SafetensorsLayout> LayOut(NamedTensors tensors, std::map<std::string, std::string> metadata);

}  // namespace mae
