#include <torch/torch.h>

#include "checkpoint/model_folder.h"
#include "interop/model_import.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_bytes.h"
#include "tests/fuzz/input_folder.h"

namespace {

// What is published can be read again, by those who serve it.
void CheckImported(const std::filesystem::path& folder) {
  FUZZ_REQUIRE(mae::ReadModelConfig(folder).ok());
  FUZZ_REQUIRE(mae::ReadSafetensors(folder / "model.safetensors").ok());
}

void CheckFileName(const std::string& name) {
  if (!mae::CheckImportFileName(name).ok()) return;
  FUZZ_REQUIRE(!name.empty() && name[0] != '.' && name.find('/') == std::string::npos);
  FUZZ_REQUIRE(name.find('\0') == std::string::npos);
}

}  // namespace

// A config.json, and weights.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool one_thread = (torch::set_num_threads(1), true);
  static_cast<void>(one_thread);
  static const mae::InputFolder folder;
  const auto files = folder.path() / "files", out = folder.path() / "out";
  folder.Clear();
  std::filesystem::create_directories(files);
  mae::InputBytes input(data, size);
  const std::string_view config = input.Part();
  CheckFileName(std::string(config));
  if (!config.empty()) folder.Write("files/config.json", config);
  folder.Write("files/weights.safetensors", input.Rest());
  const auto remarks = mae::ImportModelFiles(files, {}, out);
  if (remarks.ok()) {
    CheckImported(out);
  } else {
    FUZZ_REQUIRE(mae::IsRefusal(remarks.status()));
  }
  return 0;
}
