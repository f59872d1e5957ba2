#include "options/model_json.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

void CheckConfig(const std::string& text) {
  const auto config = mae::ModelConfigFromJson(text);
  if (!config.ok()) {
    FUZZ_REQUIRE(absl::IsInvalidArgument(config.status()));
    return;
  }
  const auto again = mae::ModelConfigFromJson(mae::ModelConfigToJson(*config));
  FUZZ_REQUIRE(again.ok());
  FUZZ_REQUIRE(*again == *config);
}

void CheckCard(const std::string& text) {
  const auto card = mae::ModelCardFromJson(text);
  if (!card.ok()) {
    FUZZ_REQUIRE(absl::IsInvalidArgument(card.status()));
    return;
  }
  const auto again = mae::ModelCardFromJson(mae::ModelCardToJson(*card));
  FUZZ_REQUIRE(again.ok());
  FUZZ_REQUIRE(*again == *card);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  CheckConfig(text);
  CheckCard(text);
  return 0;
}
