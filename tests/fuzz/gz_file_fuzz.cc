#include <vector>

#include "data/gz_file.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const mae::InputFolder folder;
  auto file = mae::GzFile::Open(folder.Write("file.gz", {reinterpret_cast<const char*>(data), size}));
  FUZZ_REQUIRE(file.ok());
  FUZZ_REQUIRE(file->bytes_on_disk() == static_cast<int64_t>(size));
  std::vector<uint8_t> buffer(64 << 10);
  int64_t total = 0;
  for (;;) {
    const auto count = file->Read(absl::MakeSpan(buffer));
    if (!count.ok()) {
      FUZZ_REQUIRE(absl::IsInvalidArgument(count.status()));
      return 0;
    }
    total += *count;
    if (*count < static_cast<int64_t>(buffer.size())) break;
  }
  // What really came out can't be more than a header may claim.
  FUZZ_REQUIRE(file->ExpectEnd().ok());
  FUZZ_REQUIRE(file->CheckSize(total, "the content").ok());
  return 0;
}
