#include <filesystem>

#include "checkpoint/manifest.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto manifest = mae::ManifestFromJson(std::string(reinterpret_cast<const char*>(data), size));
  if (!manifest.ok()) {
    FUZZ_REQUIRE(absl::IsInvalidArgument(manifest.status()));
    return 0;
  }
  const std::filesystem::path folder = "/checkpoints/step-000000001";
  for (const auto& [name, digest] : *manifest) {
    FUZZ_REQUIRE((folder / name).lexically_normal().parent_path() == folder);
  }
  const auto again = mae::ManifestFromJson(mae::ManifestToJson(*manifest));
  FUZZ_REQUIRE(again.ok());
  FUZZ_REQUIRE(again->size() == manifest->size());
  return 0;
}
