#include "server/page.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mae::InputBytes input(data, size);
  const auto asked = input.Take<int32_t>();
  const std::string text(input.Rest());
  const auto page = mae::ParsePage(asked, text);
  if (page.ok()) {
    FUZZ_REQUIRE(page->size >= 1 && page->size <= 1000);
    FUZZ_REQUIRE(page->after.size() <= text.size());
  } else {
    FUZZ_REQUIRE(absl::IsInvalidArgument(page.status()));
  }
  // Any key makes a token that gives it back.
  const auto next = mae::ParsePage(0, mae::NextPageToken(text));
  FUZZ_REQUIRE(next.ok() && next->after == text);
  return 0;
}
