#pragma once

#include <cstdint>
#include <optional>
#include <vector>

/// What a reconstruction is asked for. Value types; models/asked_mask.h and models/pixel_planes.h hold the
/// limits.
namespace mae {

/// Which patches are hidden.
enum class MaskKind {
  kRandom,  ///< a share of them, each as likely as the others
  kGiven,   ///< those that the caller says, the same of every image
  kBlock,   ///< a share of them, in rectangles (models/patch_masks.h)
  kGrid,    ///< all but one of every two by two
  kNone,    ///< none: the model sees the whole image and says all of it again
};

/// How predictions became pixels.
enum class PixelStatistics {
  kRaw,             ///< the model predicts pixels
  kTruePatch,       ///< norm-pix: mean and variance of the true patch put back
  kVisiblePatches,  ///< norm-pix: what the visible patches say of it (models/visible_statistics.h) put back
};

struct ReconstructOptions {
  MaskKind mask_kind = MaskKind::kRandom;
  /// kRandom and kBlock: each image is answered at each of them, in (0, 1); empty: once, at the model's own.
  std::vector<double> mask_ratios;
  uint64_t seed = 0;         ///< kRandom and kBlock: image i of a call draws its mask from (seed, i)
  std::vector<bool> hidden;  ///< kGiven: one a patch
  std::optional<PixelStatistics> pixel_statistics;  ///< nothing: kRaw, of a norm-pix model kTruePatch
  bool pictures = true;                             ///< fill the pictures; needs a model of 1 or 3 channels
  bool tensors = true;                              ///< fill prediction and pixels
};

}  // namespace mae
