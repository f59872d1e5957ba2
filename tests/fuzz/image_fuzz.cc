#include "image/codec.h"
#include "tests/fuzz/filled_memory.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/right_sums.h"

namespace {

constexpr int64_t kMaxPixels = 1 << 16;

mae::FilledMemory& Memory() {
  static auto* const memory = new mae::FilledMemory;
  static const bool installed = [] {
    cv::Mat::setDefaultAllocator(memory);
    return true;
  }();
  static_cast<void>(installed);
  return *memory;
}

void CheckSizes(const mae::Picture& picture, const mae::ImageHeader& header) {
  const bool upright = picture.width == header.width && picture.height == header.height;
  const bool turned = picture.width == header.height && picture.height == header.width;
  FUZZ_REQUIRE(upright || turned);
  FUZZ_REQUIRE(picture.channels == 1 || picture.channels == 3 || picture.channels == 4);
  FUZZ_REQUIRE(static_cast<int64_t>(picture.pixels.size()) ==
               picture.height * picture.width * picture.channels);
  FUZZ_REQUIRE(picture.height * picture.width <= kMaxPixels);
}

void CheckRoundTrip(const mae::Picture& picture) {
  const auto png = mae::EncodePng(picture);
  FUZZ_REQUIRE(png.ok());
  const auto again = mae::DecodePicture(*png, kMaxPixels);
  FUZZ_REQUIRE(again.ok());
  FUZZ_REQUIRE(again->pixels == picture.pixels && again->channels == picture.channels);
  for (const int64_t channels : {1, 3}) {
    const auto converted = mae::ConvertChannels(picture, channels);
    FUZZ_REQUIRE(converted.ok() && converted->channels == channels);
  }
}

void CheckPicture(std::string_view bytes) {
  Memory().filling = 0x5a;
  const auto picture = mae::DecodePicture(bytes, kMaxPixels);
  if (!picture.ok()) {
    FUZZ_REQUIRE(absl::IsInvalidArgument(picture.status()));
    return;
  }
  CheckSizes(*picture, mae::ReadImageHeader(bytes).value());
  Memory().filling = 0xa5;
  const auto other = mae::DecodePicture(bytes, kMaxPixels);
  FUZZ_REQUIRE(other.ok() && other->pixels == picture->pixels);
  CheckRoundTrip(*picture);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  CheckPicture(bytes);
  if (const std::string right = mae::WithPngSums(bytes); right != bytes) CheckPicture(right);
  return 0;
}
