#include "job/job_event_json.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mae::InputBytes input(data, size);
  const std::string kind(input.Line());
  const auto event = mae::JobEventFromJson(kind, std::string(input.Rest()));
  if (!event.ok()) {
    FUZZ_REQUIRE(absl::IsDataLoss(event.status()));
    return 0;
  }
  FUZZ_REQUIRE(mae::JobEventKind(*event) == kind);
  const std::string written = mae::JobEventToJson(*event);
  const auto again = mae::JobEventFromJson(kind, written);
  FUZZ_REQUIRE(again.ok());
  FUZZ_REQUIRE(mae::JobEventToJson(*again) == written);
  return 0;
}
