#include "augment/horizontal_flip.h"

#include <algorithm>

#include "base/counted_random.h"

namespace mae {

bool FlipsImage(uint64_t seed, int64_t epoch, int64_t image) {
  return (CountedBits(seed, RandomStream::kFlip,
                      {static_cast<uint64_t>(epoch), static_cast<uint64_t>(image)}) &
          1) != 0;
}

void FlipHorizontally(ByteImage& image) {
  for (auto row = image.pixels.begin(); row != image.pixels.end(); row += image.width)
    std::reverse(row, row + image.width);
}

}  // namespace mae
