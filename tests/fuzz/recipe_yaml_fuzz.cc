#include <google/protobuf/util/message_differencer.h>

#include <algorithm>

#include "recipe/recipe_yaml.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/resolved_spec.h"

namespace {

constexpr std::string_view kOverrides = "\n--set\n";

// A recipe, and behind a line "--set" an assignment a line.
absl::StatusOr<mae::v1::JobSpec> ReadRecipe(std::string_view text) {
  const size_t end = text.find(kOverrides);
  auto spec = mae::ParseRecipe(std::string(text.substr(0, end)));
  if (!spec.ok() || end == std::string_view::npos) return spec;
  std::string_view rest = text.substr(end + kOverrides.size());
  while (!rest.empty()) {
    const std::string line(rest.substr(0, rest.find('\n')));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const mae::v1::JobSpec before = *spec;
    const absl::Status status = mae::ApplyOverride(line, *spec);
    FUZZ_REQUIRE(status.ok() || absl::IsInvalidArgument(status));
    if (!status.ok()) FUZZ_REQUIRE(google::protobuf::util::MessageDifferencer::Equals(before, *spec));
  }
  return spec;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto spec = ReadRecipe({reinterpret_cast<const char*>(data), size});
  if (!spec.ok()) {
    FUZZ_REQUIRE(absl::IsInvalidArgument(spec.status()));
    return 0;
  }
  mae::CheckYamlRoundTrip(*spec);
  mae::CheckResolves(*spec);
  return 0;
}
