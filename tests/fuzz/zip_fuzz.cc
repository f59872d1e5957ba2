#include "interop/zip_file.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const mae::InputFolder folder;
  auto zip = mae::ZipFile::Open(folder.Write("weights.pth", {reinterpret_cast<const char*>(data), size}));
  if (!zip.ok()) {
    FUZZ_REQUIRE(absl::IsInvalidArgument(zip.status()));
    return 0;
  }
  const auto whole = static_cast<int64_t>(size);
  FUZZ_REQUIRE(zip->bytes() == whole);
  int64_t together = 0;
  for (const auto& [name, entry] : zip->entries()) {
    FUZZ_REQUIRE(entry.begin >= 0 && entry.bytes >= 0 && entry.begin <= whole - entry.bytes);
    together += entry.bytes;
    std::string content(static_cast<size_t>(entry.bytes), '\0');
    const absl::Status status = zip->Read(entry, content.data());
    FUZZ_REQUIRE(status.ok() || absl::IsDataLoss(status));
  }
  FUZZ_REQUIRE(together <= whole);
  return 0;
}
