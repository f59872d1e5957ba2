#include "models/patch_masks.h"

#include <algorithm>
#include <cmath>

namespace mae {
namespace {

constexpr int64_t kGridShareOfSmallest = 12;  // 16 of 14 x 14 patches in BEiT
constexpr double kFlattest = 0.3;
// Far more than it takes (each block that is drawn hides something with a fair chance); then the rest goes
// row by row.
constexpr int kMaxBlocks = 1000;

struct PatchBlock {
  int64_t top = 0, left = 0, rows = 0, cols = 0;
};

PatchBlock DrawBlock(int64_t rows, int64_t cols, int64_t wanted, CountedSequence& random) {
  const auto smallest = static_cast<double>(std::max<int64_t>(1, rows * cols / kGridShareOfSmallest));
  const double area = random.Uniform(smallest, std::max(smallest, static_cast<double>(wanted)));
  const double aspect = std::exp(random.Uniform(std::log(kFlattest), -std::log(kFlattest)));
  PatchBlock block;
  block.rows = std::clamp<int64_t>(std::llround(std::sqrt(area * aspect)), 1, rows);
  block.cols = std::clamp<int64_t>(std::llround(std::sqrt(area / aspect)), 1, cols);
  block.top = random.Below(rows - block.rows + 1);
  block.left = random.Below(cols - block.cols + 1);
  return block;
}

// Hides at most `wanted` further patches of the block, row by row. @return how many.
int64_t Hide(const PatchBlock& block, int64_t cols, int64_t wanted, std::vector<bool>& mask) {
  int64_t count = 0;
  for (int64_t i = 0; i < block.rows * block.cols && count < wanted; ++i) {
    const auto row = block.top + i / block.cols, col = block.left + i % block.cols;
    const auto patch = static_cast<size_t>(row * cols + col);
    count += mask[patch] ? 0 : 1;
    mask[patch] = true;
  }
  return count;
}

}  // namespace

std::vector<bool> BlockMask(int64_t rows, int64_t cols, int64_t hidden, CountedSequence random) {
  std::vector<bool> mask(static_cast<size_t>(rows * cols));
  int64_t wanted = hidden;
  for (int i = 0; i < kMaxBlocks && wanted > 0; ++i) {
    wanted -= Hide(DrawBlock(rows, cols, wanted, random), cols, wanted, mask);
  }
  Hide({0, 0, rows, cols}, cols, wanted, mask);
  return mask;
}

std::vector<bool> GridMask(int64_t rows, int64_t cols) {
  std::vector<bool> mask(static_cast<size_t>(rows * cols), true);
  for (int64_t row = 0; row < rows; row += 2) {
    for (int64_t col = 0; col < cols; col += 2) mask[static_cast<size_t>(row * cols + col)] = false;
  }
  return mask;
}

}  // namespace mae
