#include "serving/precision_check.h"

#include "absl/strings/str_cat.h"

namespace mae {

InferencePrecision PrecisionNamed(std::string_view name) {
  if (name == "bf16") return InferencePrecision::kBf16;
  if (name == "int8") return InferencePrecision::kInt8;
  return name == "fp32" ? InferencePrecision::kFp32 : InferencePrecision::kAuto;
}

absl::Status CheckPrecisionRuns(InferencePrecision precision, const std::string& device, bool has_fast_bf16) {
  const bool is_bf16 = precision == InferencePrecision::kBf16;
  if (!is_bf16 && precision != InferencePrecision::kInt8) return absl::OkStatus();
  const bool is_cpu = device == "cpu";
  if (is_cpu ? has_fast_bf16 : is_bf16) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("precision: ", is_bf16 ? "bf16" : "int8", " does not run on ",
                   is_cpu ? "this processor, which lacks AVX-512 bfloat16 instructions" : "the GPU " + device,
                   "; auto takes what is quick, fp32 runs everywhere"));
}

}  // namespace mae
