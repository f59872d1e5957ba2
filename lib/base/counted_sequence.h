#pragma once

#include <cstdint>

namespace mae {

/// Random numbers of one decision after another, all from one counted key (base/counted_random.h): the crop
/// of image i in epoch e reads its own sequence, whatever was drawn for other images, on whatever thread. A
/// value type of 16 bytes; not thread-safe.
class CountedSequence {
 public:
  /// @param key from CountedBits.
  explicit CountedSequence(uint64_t key) : key_(key) {}

  /// Uniform in [0, 1), 24 random bits.
  double Uniform();
  /// Uniform in [low, high), or low where they are equal.
  double Uniform(double low, double high);
  /// A whole number of 0 .. bound-1, all equally likely up to bound / 2^24. bound from 1 to 2^24.
  int64_t Below(int64_t bound);
  /// True with probability 1/2.
  bool Coin();
  /// Standard normal (Box & Muller 1958); two draws a value.
  double Normal();
  /// Gamma of unit scale (Marsaglia & Tsang 2000, ACM TOMS 26(3)). shape above 0.
  double Gamma(double shape);
  /// Beta(alpha, alpha), in [0, 1]: the share that mixup takes of the first image. alpha above 0.
  double Beta(double alpha);

 private:
  uint64_t key_;
  uint64_t next_ = 0;
};

}  // namespace mae
