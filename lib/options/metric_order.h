#pragma once

#include "absl/strings/string_view.h"

namespace mae {

/// Which of two values of a metric is the better one.
enum class MetricOrder {
  kNone,           ///< versions of a model are not told apart by it
  kLargerBetter,   ///< accuracy, top5_accuracy
  kSmallerBetter,  ///< validation_loss
};

MetricOrder MetricOrderOf(absl::string_view metric);

/// Whether `value` is really better: not if they are equal, or either is not finite.
bool IsBetter(MetricOrder order, double value, double than);

}  // namespace mae
