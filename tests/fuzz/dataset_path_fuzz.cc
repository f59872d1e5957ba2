#include <filesystem>
#include <string>

#include "data/dataset_path.h"
#include "data/split_files.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_folder.h"

namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFileName = 255;  // of Linux

void CheckStaysInside(const std::string& name) {
  const fs::path root = "/data/datasets/mine";
  const fs::path path = root / name;
  FUZZ_REQUIRE(path == path.lexically_normal());
  FUZZ_REQUIRE(path.string().starts_with(root.string() + "/"));
  FUZZ_REQUIRE(name.size() <= 1024 && name.find('\0') == std::string::npos);
}

void CheckSplits(const std::string& name) {
  static const mae::InputFolder folder;
  folder.Clear();
  folder.Write(name, "");
  for (const char* suffix : {".tar", ".parquet"}) {
    const auto files = mae::FindSplitFiles({folder.path(), folder.path() / "absent"}, suffix);
    FUZZ_REQUIRE(files.train.size() + files.validation.size() <= 1);
    for (const auto& found : {files.train, files.validation}) {
      for (const fs::path& path : found) FUZZ_REQUIRE(path == folder.path() / name);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const absl::Status status = mae::CheckDatasetPath(text); status.ok()) {
    CheckStaysInside(text);
    if (text.find('/') == std::string::npos && text.size() <= kMaxFileName) CheckSplits(text);
  } else {
    FUZZ_REQUIRE(absl::IsInvalidArgument(status));
    FUZZ_REQUIRE(status.message().size() < 2048);
  }
  if (mae::CheckDatasetName(text).ok()) {
    FUZZ_REQUIRE(mae::CheckDatasetPath(text).ok());
    FUZZ_REQUIRE(text.size() <= 63);
  }
  return 0;
}
