#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "interop/import_options.h"

namespace mae {

/// File names that an import may hold: weights (one of *.safetensors, *.pth, *.pt, *.bin), config.json and
/// preprocessor_config.json. INVALID_ARGUMENT "name: …": other names, any with a folder or a leading dot.
absl::Status CheckImportFileName(const std::string& name);

/// Reads weights of the official layout, transformers or timm from a folder that holds nothing but files
/// which CheckImportFileName allows, and writes them as a model folder (docs/formats/model.md) with the
/// recipe "imported". Values become float32. Holds the weights about twice in memory: up to twice the
/// file's length, four times where they are halves. Torch-free header; blocks for seconds; safe from any
/// thread.
/// @param out is made; on an error it may hold files that are of no use.
/// @return remarks, sentences for people: what was assumed, what was left out. INVALID_ARGUMENT "field: …"
/// where an option is needed or wrong, else naming file and fault;
///   RESOURCE_EXHAUSTED (memory or disk), DATA_LOSS (checksum).
absl::StatusOr<std::vector<std::string>> ImportModelFiles(const std::filesystem::path& files,
                                                          const ImportOptions& options,
                                                          const std::filesystem::path& out);

}  // namespace mae
