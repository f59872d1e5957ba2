#pragma once

#include <string>
#include <vector>

namespace mae {

struct CurvePoint {
  double x = 0, y = 0;
};

/// Points in order of x; those that are not finite are left out.
using Curve = std::vector<CurvePoint>;

/// How curves are drawn.
enum class CurveStyle {
  kBraille,   ///< dots, 2 x 4 a character; curves can't be told apart
  kColoured,  ///< the same in one of the colours of CurveMark each
  kLetters    ///< a letter a curve, or '*' for a single one: for terminals without Unicode, and for files
};

/// Curves over common axes, whose ranges are written beside and below. "no points\n" without any. Pure.
/// @param columns, rows of the whole drawing, labels included; at least 20 and 5.
std::string PlotCurves(const std::vector<Curve>& curves, const std::string& x_name, int columns, int rows,
                       CurveStyle style);

/// What stands for a curve in a legend: "a", or a dot in its colour.
std::string CurveMark(size_t curve, CurveStyle style);

}  // namespace mae
