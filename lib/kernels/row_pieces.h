#pragma once

#include <algorithm>
#include <cstdint>

#include "base/work_team.h"
#include "kernels/tile.h"

/// How the work of a kernel is cut into pieces for a team: whole tiles, so that the numbers are the same
/// whoever computes them.
namespace mae::avx512 {

inline constexpr int64_t kPieceRows = 2 * kTileRows;

inline int64_t RowPieces(int64_t rows) { return (rows + kPieceRows - 1) / kPieceRows; }

/// `run(first, end, member)` for runs of up to kPieceRows of the rows.
template <typename RunRows>
void ForRowPieces(WorkTeam& team, int64_t rows, const RunRows& run) {
  team.Run(RowPieces(rows), [&](int64_t piece, int64_t member) {
    run(piece * kPieceRows, std::min((piece + 1) * kPieceRows, rows), member);
  });
}

/// `run(column, width, row, height)` for each tile of a product, rows within columns.
template <typename RunTile>
void ForTiles(WorkTeam& team, int64_t rows, int64_t columns, const RunTile& run) {
  const auto parts = RowPieces(rows);
  team.Run((columns + kPanel - 1) / kPanel * parts, [&](int64_t piece, int64_t) {
    const auto column = piece / parts * kPanel, first = piece % parts * kPieceRows;
    const auto width = std::min(kPanel, columns - column), end = std::min(first + kPieceRows, rows);
    for (int64_t row = first; row < end; row += kTileRows)
      run(column, width, row, std::min(kTileRows, end - row));
  });
}

}  // namespace mae::avx512
