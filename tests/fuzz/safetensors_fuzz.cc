#include <torch/torch.h>

#include <cstring>

#include "checkpoint/safetensors.h"
#include "tests/fuzz/fuzz_target.h"

using mae::NamedTensors;

namespace {

int64_t BytesOf(const NamedTensors& tensors) {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += static_cast<int64_t>(tensor.nbytes());
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parsed = mae::ParseSafetensors({reinterpret_cast<const char*>(data), size});
  if (!parsed.ok()) {
    FUZZ_REQUIRE(mae::IsRefusal(parsed.status()));
    return 0;
  }
  FUZZ_REQUIRE(BytesOf(parsed->tensors) <= static_cast<int64_t>(size));
  const auto written = mae::SerializeSafetensors(parsed->tensors, parsed->metadata);
  FUZZ_REQUIRE(written.ok());
  const auto again = mae::ParseSafetensors(*written);
  FUZZ_REQUIRE(again.ok());
  FUZZ_REQUIRE(again->tensors.size() == parsed->tensors.size());
  FUZZ_REQUIRE(BytesOf(again->tensors) == BytesOf(parsed->tensors));
  FUZZ_REQUIRE(mae::SerializeSafetensors(again->tensors, again->metadata).value() == *written);
  return 0;
}
