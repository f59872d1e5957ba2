#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "image/codec.h"

namespace mae {

/// One line of a chart; points in order of x.
struct ChartLine {
  std::string name;  ///< ASCII, for the legend
  std::vector<std::pair<double, double>> points;
};

/// Draws lines over common axes: a title, ticks at round numbers, a legend if there are several lines. Points
/// that are not finite are left out, and the line is interrupted there. Pure; safe anywhere.
/// @param title, x_name ASCII.
/// @param width, height of the picture in pixels, at least 200 and 120.
/// @return RGB. INVALID_ARGUMENT if no line has a point, or the picture is too small.
absl::StatusOr<Picture> DrawLineChart(const std::vector<ChartLine>& lines, const std::string& title,
                                      const std::string& x_name, int64_t width, int64_t height);

/// A step of 1, 2 or 5 times a power of ten that divides the range into at most `most` parts. Pure.
double TickStep(double range, int most);

}  // namespace mae
