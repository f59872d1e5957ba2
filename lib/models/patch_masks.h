#pragma once

#include <cstdint>
#include <vector>

#include "base/counted_sequence.h"

/// Masks with a shape of their own, beside random ones (models/masking.h); He et al. 2022, fig. 6, compares
/// the three. One value a patch, row-major, true where it is hidden. Pure; torch-free.
namespace mae {

/// Rectangles hidden one over another until exactly `hidden` patches are, as BEiT does (Bao et al. 2022,
/// arXiv:2106.08254, algorithm 1): the area of each is uniform between 1/12 of the grid (16 of 196 patches
/// there) and what is left to hide, its aspect log-uniform in 0.3 to 1/0.3, its place uniform. Of the last
/// one only so many rows, and patches of a row, are hidden as are needed.
/// @param rows, cols from 1. @param hidden 0 to rows * cols.
std::vector<bool> BlockMask(int64_t rows, int64_t cols, int64_t hidden, CountedSequence random);

/// One of every two by two patches stays visible, the first: 3/4 are hidden where rows and columns are even,
/// less where they are odd, as the last ones then have no partner.
std::vector<bool> GridMask(int64_t rows, int64_t cols);

}  // namespace mae
