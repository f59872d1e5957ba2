#pragma once

#include <cstdint>
#include <initializer_list>

/// Random bits from a seed and counters, so that nothing random is carried from step to step: a resumed run
/// draws what the uninterrupted one would have drawn. Pure functions, safe anywhere.
namespace mae {

/// The streams of randomness that a job has; each is independent of the others.
enum class RandomStream : uint64_t {
  kInit = 1,
  kOrder = 2,
  kMask = 3,
  kFlip = 4,
  kDropPath = 5,
  kPicture = 6,
  kCrop = 16,
  kRandAugment = 17,
  kErasing = 18,
  kMix = 19
};

/// A well-mixed 64-bit word that depends on every argument (SplitMix64 finaliser, Steele et al. 2014,
/// OOPSLA).
uint64_t CountedBits(uint64_t seed, RandomStream stream, std::initializer_list<uint64_t> counters);

/// The `index`-th uniform float in [0, 1) of the sequence that `key` (from CountedBits) names; 24 random
/// bits.
float UniformAt(uint64_t key, uint64_t index);

}  // namespace mae
