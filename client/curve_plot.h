#pragma once

#include <string>
#include <vector>

namespace mae {

struct CurvePoint {
  double x = 0, y = 0;
};

/// A curve drawn with braille dots (2 x 4 a character), its axes' ranges written beside and below. Points
/// must be in order of x; those that are not finite are left out. "no points\n" without any. Pure.
/// @param columns, rows of the whole drawing, labels included; at least 20 and 5.
/// @param ascii draws with '*' instead, for terminals without Unicode.
std::string PlotCurve(const std::vector<CurvePoint>& points, const std::string& x_name, int columns, int rows,
                      bool ascii);

}  // namespace mae
