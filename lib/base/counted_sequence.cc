#include "base/counted_sequence.h"

#include <cmath>
#include <numbers>

#include "base/counted_random.h"

namespace mae {

double CountedSequence::Uniform() { return UniformAt(key_, next_++); }

double CountedSequence::Uniform(double low, double high) { return low + (high - low) * Uniform(); }

int64_t CountedSequence::Below(int64_t bound) {
  return static_cast<int64_t>(Uniform() * static_cast<double>(bound));
}

bool CountedSequence::Coin() { return Uniform() < 0.5; }

double CountedSequence::Normal() {
  const double radius = std::sqrt(-2.0 * std::log1p(-Uniform()));  // of 1 - u, which is never 0
  return radius * std::cos(2.0 * std::numbers::pi * Uniform());
}

double CountedSequence::Gamma(double shape) {
  if (shape < 1.0) {  // of a larger shape, shrunk by a power of a uniform (the paper's section 6)
    const double boosted = Gamma(shape + 1.0);
    return boosted * std::pow(1.0 - Uniform(), 1.0 / shape);
  }
  const double d = shape - 1.0 / 3.0, c = 1.0 / std::sqrt(9.0 * d);
  while (true) {
    const double x = Normal();
    const double cube = 1.0 + c * x;
    if (cube <= 0.0) continue;
    const double v = cube * cube * cube;
    if (std::log(1.0 - Uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

double CountedSequence::Beta(double alpha) {
  const double first = Gamma(alpha), second = Gamma(alpha);
  // Tiny alphas: both may round to 0, and the truth is then one of the two ends.
  return first + second > 0.0 ? first / (first + second) : (Coin() ? 1.0 : 0.0);
}

}  // namespace mae
