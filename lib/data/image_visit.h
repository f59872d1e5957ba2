#pragma once

#include <cstdint>
#include <limits>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "image/image_view.h"

/// Images of a split looked at one after the other: files of any size take the memory of a few.
namespace mae {

/// Which images of a split: from `first` on every `stride`-th before `end`. A plain value.
struct ImageChoice {
  int64_t first = 0;   ///< at least 0
  int64_t stride = 1;  ///< at least 1
  int64_t end = std::numeric_limits<int64_t>::max();
  bool Has(int64_t index) const { return index >= first && index < end && (index - first) % stride == 0; }
};

/// Called with each chosen image: its index in the split, its class, and its planes, which are there for the
/// call alone. An error ends the visit.
using ImageVisit = absl::FunctionRef<absl::Status(int64_t index, int64_t label, const ImageView& image)>;

}  // namespace mae
