#include "server/precision_check.h"

#include "absl/strings/str_cat.h"

namespace mae {

absl::Status CheckPrecisionRuns(const std::string& precision, const std::string& device, bool has_fast_bf16) {
  if (precision != "bf16" && precision != "int8") return absl::OkStatus();
  const bool is_cpu = device == "cpu";
  if (is_cpu ? has_fast_bf16 : precision == "bf16") return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("inference.precision: ", precision, " does not run on ",
                   is_cpu ? "this processor, which lacks AVX-512 bfloat16 instructions" : "the GPU " + device,
                   "; auto takes what is quick, fp32 runs everywhere"));
}

}  // namespace mae
