#include "serving/finite_answers.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <variant>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace mae {
namespace {

// Without a branch for each value: there are many.
bool AllFinite(absl::Span<const float> values) {
  constexpr uint32_t kExponent = 0x7f800000;
  uint32_t bad = 0;
  for (const float value : values) bad |= (std::bit_cast<uint32_t>(value) & kExponent) == kExponent ? 1 : 0;
  return bad == 0;
}

absl::Status CheckOne(const PredictorInput& input, size_t index, absl::Span<const float> answer) {
  if (AllFinite(answer)) return absl::OkStatus();
  if (std::holds_alternative<FloatTensor>(input)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "images[", index,
        "]: the model's answer is not finite: most likely the values are too large for it; send "
        "normalised ones, (value / 255 - mean) / std, of which most lie within -3..3; if those fail "
        "too, its weights are at fault"));
  }
  return absl::InternalError(
      absl::StrCat("the model's answer to images[", index,
                   "] is not finite: its weights are at fault; serve another version"));
}

}  // namespace

absl::Status CheckFinite(const std::vector<PredictorInput>& inputs, absl::Span<const float> answers) {
  const size_t each = answers.size() / std::max<size_t>(inputs.size(), 1);
  for (size_t i = 0; i < inputs.size(); ++i) {
    MAE_RETURN_IF_ERROR(CheckOne(inputs[i], i, answers.subspan(i * each, each)));
  }
  return absl::OkStatus();
}

absl::Status CheckFinite(const std::vector<PredictorInput>& inputs,
                         const std::vector<std::vector<float>>& rows) {
  for (size_t i = 0; i < rows.size(); ++i) MAE_RETURN_IF_ERROR(CheckOne(inputs[i], i, rows[i]));
  return absl::OkStatus();
}

}  // namespace mae
