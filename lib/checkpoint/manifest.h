#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/file_digest.h"

/// The names and the manifest of a checkpoint folder: step-000000123/ with manifest.json, written last, which
/// has the bytes and SHA-256 of every other file; see docs/formats/checkpoint.md.
namespace mae {

/// What a checkpoint folder holds besides its manifest.
inline constexpr const char* kModelFile = "model.safetensors";
inline constexpr const char* kOptimizerFile = "optimizer.safetensors";
inline constexpr const char* kStateFile = "state.json";
inline constexpr const char* kManifestFile = "manifest.json";

/// "step-000000123".
std::string CheckpointFolderName(int64_t step);

/// Steps that have a folder, lowest first, whole or not. Empty if `folder` is absent; INTERNAL if it can't be
/// read.
absl::StatusOr<std::vector<int64_t>> ListCheckpointSteps(const std::filesystem::path& folder);

/// File name to what it must be.
using Manifest = std::map<std::string, FileDigest>;

std::string ManifestToJson(const Manifest& manifest);
/// INVALID_ARGUMENT: not a manifest, or a name that leads out of the folder.
absl::StatusOr<Manifest> ManifestFromJson(const std::string& text);

/// Reads every file of the manifest. DATA_LOSS names the first file that is absent, of another length or
/// another hash, with what was expected; else the system's error.
absl::Status VerifyManifest(const std::filesystem::path& folder, const Manifest& manifest,
                            ReadThrough through = ReadThrough::kCache);

}  // namespace mae
