#include "data/tar_index.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_folder.h"
#include "tests/fuzz/right_sums.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const mae::InputFolder folder;
  const auto places =
      mae::IndexTar(folder.Write("shard.tar", mae::WithTarSums({reinterpret_cast<const char*>(data), size})));
  if (!places.ok()) {
    FUZZ_REQUIRE(absl::IsInvalidArgument(places.status()));
    return 0;
  }
  int64_t end = 0;
  for (const mae::TarPlace& place : *places) {
    FUZZ_REQUIRE(place.offset >= end && place.bytes >= 0);
    end = place.offset + place.bytes;
  }
  FUZZ_REQUIRE(end <= static_cast<int64_t>(size));
  return 0;
}
