#include "augment/batch_mix.h"

#include <algorithm>
#include <cmath>

#include "base/counted_random.h"
#include "base/counted_sequence.h"

namespace mae {
namespace {

struct Interval {
  int64_t begin = 0, end = 0;
};

Interval Around(int64_t centre, int64_t size, int64_t limit) {
  return {std::max<int64_t>(0, centre - size / 2), std::min(limit, centre + size / 2)};
}

BatchMix CutMix(double share, int64_t height, int64_t width, CountedSequence& random) {
  const double side = std::sqrt(1.0 - share);
  const Interval rows =
      Around(random.Below(height), static_cast<int64_t>(static_cast<double>(height) * side), height);
  const Interval columns =
      Around(random.Below(width), static_cast<int64_t>(static_cast<double>(width) * side), width);
  const CropBox box{rows.begin, columns.begin, rows.end - rows.begin, columns.end - columns.begin};
  return {1.0 - static_cast<double>(box.height * box.width) / static_cast<double>(height * width), box};
}

}  // namespace

BatchMix DrawBatchMix(const AugmentationOptions& options, uint64_t seed, int64_t epoch, int64_t first_image,
                      int64_t height, int64_t width) {
  if (!options.mixes()) return {};
  CountedSequence random(CountedBits(seed, RandomStream::kMix,
                                     {static_cast<uint64_t>(epoch), static_cast<uint64_t>(first_image)}));
  const bool both = options.mixup_alpha > 0.0 && options.cutmix_alpha > 0.0;
  const bool cuts = both ? random.Uniform() < options.mix_switch_probability : options.cutmix_alpha > 0.0;
  const double share = random.Beta(cuts ? options.cutmix_alpha : options.mixup_alpha);
  return cuts ? CutMix(share, height, width, random) : BatchMix{share, std::nullopt};
}

}  // namespace mae
