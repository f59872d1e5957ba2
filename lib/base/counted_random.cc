#include "base/counted_random.h"

namespace mae {
namespace {

constexpr uint64_t kGoldenGamma = 0x9E3779B97F4A7C15;  // 2^64 / golden ratio, odd: SplitMix64's increment

uint64_t Finalise(uint64_t word) {
  word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9;
  word = (word ^ (word >> 27)) * 0x94D049BB133111EB;
  return word ^ (word >> 31);
}

// Absorbs one argument. Finalising in between makes the order of the arguments count.
uint64_t Mix(uint64_t state, uint64_t argument) {
  return Finalise(Finalise(state + kGoldenGamma) ^ argument);
}

}  // namespace

uint64_t CountedBits(uint64_t seed, RandomStream stream, std::initializer_list<uint64_t> counters) {
  uint64_t state = Mix(Mix(0, seed), static_cast<uint64_t>(stream));
  for (uint64_t counter : counters) state = Mix(state, counter);
  return state;
}

float UniformAt(uint64_t key, uint64_t index) {
  const uint64_t bits = Finalise(key + (index + 1) * kGoldenGamma);
  return static_cast<float>(bits >> 40) * 0x1p-24F;
}

}  // namespace mae
