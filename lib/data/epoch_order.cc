#include "data/epoch_order.h"

#include <numeric>
#include <utility>

#include "base/counted_random.h"

namespace mae {
namespace {

// A number below `bound`: the top of a 64 x 64 bit product, off uniform by less than bound / 2^64 (Lemire
// 2019).
uint64_t Below(uint64_t bound, uint64_t bits) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>(Wide{bits} * bound >> 64);
}

}  // namespace

std::vector<int64_t> EpochOrder(int64_t count, uint64_t seed, int64_t epoch) {
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), int64_t{0});
  for (int64_t last = count - 1; last > 0; --last) {
    const uint64_t bits =
        CountedBits(seed, RandomStream::kOrder, {static_cast<uint64_t>(epoch), static_cast<uint64_t>(last)});
    std::swap(order[last], order[Below(last + 1, bits)]);
  }
  return order;
}

}  // namespace mae
