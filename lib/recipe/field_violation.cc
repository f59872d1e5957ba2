#include "recipe/field_violation.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"

namespace mae {

void ViolationList::Add(std::string field, std::string description) {
  violations_.push_back({std::move(field), std::move(description)});
}

void ViolationList::Between(const std::string& field, int64_t value, int64_t low, int64_t high) {
  if (value < low || value > high)
    Add(field, absl::StrCat("is ", value, "; must be from ", low, " to ", high));
}

void ViolationList::Between(const std::string& field, double value, double low, double high,
                            bool below_high) {
  if (!std::isfinite(value)) return;
  if (value < low || value > high || (below_high && value == high))
    Add(field, absl::StrCat("is ", value, "; must be ", low, " or more and ",
                            below_high ? "below " : "at most ", high));
}

void ViolationList::Positive(const std::string& field, double value) {
  if (std::isfinite(value) && value <= 0) Add(field, absl::StrCat("is ", value, "; must be above 0"));
}

void ViolationList::Share(const std::string& field, double value) {
  if (std::isfinite(value) && (value <= 0 || value > 1))
    Add(field, absl::StrCat("is ", value, "; must be above 0 and at most 1"));
}

void ViolationList::NotNegative(const std::string& field, double value) {
  if (std::isfinite(value) && value < 0) Add(field, absl::StrCat("is ", value, "; must be 0 or more"));
}

}  // namespace mae
