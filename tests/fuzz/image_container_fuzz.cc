#include "image/exif_orientation.h"
#include "image/image_container.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/right_sums.h"

namespace {

void CheckOrientation(std::string_view exif) {
  const int orientation = mae::ExifOrientation(exif);
  FUZZ_REQUIRE(orientation >= 1 && orientation <= 8);
}

void CheckContainer(std::string_view bytes) {
  const auto header = mae::ReadImageHeader(bytes);
  if (!header.ok()) {
    FUZZ_REQUIRE(absl::IsInvalidArgument(header.status()));
    return;
  }
  FUZZ_REQUIRE(header->width >= 1 && header->height >= 1);
  const auto exif = mae::CheckImageIsWhole(bytes, *header);
  if (!exif.ok()) {
    FUZZ_REQUIRE(absl::IsInvalidArgument(exif.status()));
    return;
  }
  if (exif->empty()) return;
  FUZZ_REQUIRE(exif->data() >= bytes.data() && exif->data() + exif->size() <= bytes.data() + bytes.size());
  CheckOrientation(*exif);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  CheckOrientation(bytes);
  CheckContainer(bytes);
  CheckContainer(mae::WithPngSums(bytes));
  return 0;
}
