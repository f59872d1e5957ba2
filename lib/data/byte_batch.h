#pragma once

#include <cstdint>

#include "absl/types/span.h"
#include "augment/image_transform.h"
#include "data/batch.h"
#include "data/dataset.h"

namespace mae {

/// Batches whose images are still the set's bytes, with what was drawn of each: for a CutTransform, which
/// cuts, resizes and normalises them where the model is. A quarter of what travels, and next to nothing for
/// the threads that prepare batches. Draws what a BatchMaker of the same transform draws. Concurrent calls
/// are safe. The set must outlive the maker.
class ByteBatchMaker {
 public:
  /// Whether a CutTransform can make of these images what a BatchMaker makes: they are in memory, and nothing
  /// but crops and mirroring varies them.
  /// @param transform with sizes of the results.
  static bool CanMake(const ImageSet& images, const ImageTransformOptions& transform);

  /// @param transform of which CanMake holds.
  ByteBatchMaker(const ImageSet& images, ImageTransformOptions transform);

  /// @return images [B, C, H, W] uint8 of the set's size, and Batch::cuts. @param as of BatchMaker::Make.
  Batch Make(absl::Span<const int64_t> indices, int64_t epoch) const;

 private:
  const ImageSet& images_;
  const ImageTransform transform_;
};

}  // namespace mae
