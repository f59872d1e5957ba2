#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

/// The safetensors format: 8-byte little-endian header length, JSON header, raw little-endian data.
namespace mae {

/// Tensors in file order, by name.
using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

struct Safetensors {
  NamedTensors tensors;                         ///< contiguous, on the CPU, owning their memory
  std::map<std::string, std::string> metadata;  ///< __metadata__
};

/// Serialises tensors (any device and strides) with {"format": "pt"} added to the metadata.
/// INVALID_ARGUMENT: a name given twice, or a type the format lacks.
absl::StatusOr<std::string> SerializeSafetensors(const NamedTensors& tensors,
                                                 std::map<std::string, std::string> metadata = {});

/// Parses. Everything in the header is checked against the length of `bytes` before it is used: offsets
/// contiguous from 0, sizes equal to shape x type, no name twice. INVALID_ARGUMENT names the tensor and the
/// fault.
absl::StatusOr<Safetensors> ParseSafetensors(std::string_view bytes);

/// Durable: written beside, synced, renamed. @return the SHA-256 of the file, hexadecimal.
absl::StatusOr<std::string> WriteSafetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                                             std::map<std::string, std::string> metadata = {});

/// NOT_FOUND, or errors of ParseSafetensors prefixed with the path.
absl::StatusOr<Safetensors> ReadSafetensors(const std::filesystem::path& path);

}  // namespace mae
