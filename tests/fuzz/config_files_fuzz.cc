#include "interop/config_files.h"
#include "interop/import_check.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_bytes.h"
#include "tests/fuzz/input_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const mae::InputFolder folder;
  mae::InputBytes input(data, size);
  folder.Write("preprocessor_config.json", input.Part());
  folder.Write("config.json", input.Rest());
  const auto options = mae::ReadConfigFiles(folder.path());
  if (!options.ok()) {
    FUZZ_REQUIRE(absl::IsInvalidArgument(options.status()));
    return 0;
  }
  const absl::Status status = mae::CheckImportOptions(*options);
  FUZZ_REQUIRE(status.ok() || absl::IsInvalidArgument(status));
  FUZZ_REQUIRE(mae::Completed(*options, *options) == *options);
  return 0;
}
