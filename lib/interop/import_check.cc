#include "interop/import_check.h"

#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "options/model_limits.h"

namespace mae {
namespace {

class OptionChecks {
 public:
  explicit OptionChecks(const ImportOptions& options) : options_(options) {}

  absl::Status Heads(const char* option, const std::optional<int64_t>& heads) const {
    if (!heads || (*heads >= 1 && *heads <= kMaxWidth)) return absl::OkStatus();
    return Refuse(option,
                  absl::StrCat(*heads, " heads; there are 1 to ", kMaxWidth, ", a divisor of the width"));
  }

  // First of all sizes, so that no product overflows.
  absl::Status ImageSize() const {
    if (!options_.image_height && !options_.image_width) return absl::OkStatus();
    const int64_t height = options_.image_height ? *options_.image_height : *options_.image_width;
    const int64_t width = options_.image_width.value_or(height);
    const auto fits = [](int64_t side) { return side >= 1 && side <= kMaxImageSide; };
    if (fits(height) && fits(width)) return absl::OkStatus();
    return Refuse("image_height",
                  absl::StrCat(height, "x", width, " pixels; a side has 1 to ", kMaxImageSide));
  }

  absl::Status LayerNormEps() const {
    const auto& eps = options_.layer_norm_eps;
    if (!eps || (std::isfinite(*eps) && *eps > 0)) return absl::OkStatus();
    return Refuse("layer_norm_eps", absl::StrCat("is ", *eps, "; must be a finite number above 0"));
  }

  absl::Status MaskRatio() const {
    const auto& ratio = options_.mask_ratio;
    if (!ratio || (*ratio > 0 && *ratio < 1)) return absl::OkStatus();
    return Refuse("mask_ratio", absl::StrCat("is ", *ratio, "; must be above 0 and below 1"));
  }

  absl::Status Statistics() const {
    for (const double mean : options_.mean) {
      if (!std::isfinite(mean))
        return Refuse("mean", absl::StrCat("holds ", mean, "; must be finite numbers"));
    }
    for (const double std_dev : options_.std_dev) {
      if (!std::isfinite(std_dev) || std_dev <= 0) {
        return Refuse("std", absl::StrCat("holds ", std_dev, "; must be finite numbers above 0"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status Labels() const {
    for (size_t i = 0; i < options_.labels.size(); ++i) {
      if (absl::StripAsciiWhitespace(options_.labels[i]).empty()) {
        return Refuse("labels", absl::StrCat("class ", i, " has an empty name: name every class"));
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Refuse(const char* option, const std::string& fault) const {
    return absl::InvalidArgumentError(absl::StrCat(options_.Blamed(option), ": ", fault));
  }

  const ImportOptions& options_;
};

}  // namespace

absl::Status CheckImportOptions(const ImportOptions& options) {
  const OptionChecks checks(options);
  MAE_RETURN_IF_ERROR(checks.ImageSize());
  MAE_RETURN_IF_ERROR(checks.Heads("num_heads", options.num_heads));
  MAE_RETURN_IF_ERROR(checks.Heads("decoder_num_heads", options.decoder_num_heads));
  MAE_RETURN_IF_ERROR(checks.LayerNormEps());
  MAE_RETURN_IF_ERROR(checks.MaskRatio());
  MAE_RETURN_IF_ERROR(checks.Statistics());
  return checks.Labels();
}

}  // namespace mae
