#include "kernels/attention_panels.h"

#include <algorithm>

#include "kernels/row_pairs.h"
#include "kernels/tile.h"

namespace mae::avx512 {

void PairColumns(const uint16_t* x, int64_t stride, int64_t tokens, int64_t head_dim, uint16_t* panels) {
  const auto columns = RoundUp(tokens);
  for (int64_t first = 0; first < tokens; first += kPanel) {
    const auto width = std::min(kPanel, columns - first);
    for (int64_t t = first; t < std::min(first + kPanel, tokens); ++t) {
      uint16_t* to = panels + first * head_dim + (t - first) * 2;
      for (int64_t p = 0; p < head_dim / 2; ++p) {
        __builtin_memcpy(to + p * width * 2, x + t * stride + p * 2, 2 * sizeof(uint16_t));
      }
    }
  }
}

void PairTokens(const uint16_t* x, int64_t stride, int64_t tokens, int64_t head_dim, uint16_t* panels) {
  const auto rows = RoundUp(tokens), set = (tokens + 1) / 2 * 2;
  for (int64_t first = 0; first < head_dim; first += kPanel) {
    const auto width = std::min(kPanel, head_dim - first);
    uint16_t* const to = panels + first * rows;
    PairRows(x + first, tokens, stride, width, to, nullptr);
    std::fill(to + set * width, to + rows * width, uint16_t{0});
  }
}

}  // namespace mae::avx512
