#include "augment/affine.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mae {
namespace {

// The position of a sample between pixels: the pixel up and left of it, and how far it is from there.
struct SamplePoint {
  int64_t x = 0, y = 0;
  double dx = 0, dy = 0;
};

SamplePoint PointAt(double x, double y) {
  SamplePoint point;
  point.x = static_cast<int64_t>(std::floor(x - 0.5));
  point.y = static_cast<int64_t>(std::floor(y - 0.5));
  point.dx = x - 0.5 - static_cast<double>(point.x);
  point.dy = y - 0.5 - static_cast<double>(point.y);
  return point;
}

double Cubic(double before, double here, double next, double after, double d) {
  const double linear = next - before;
  const double square = 2.0 * (before - here) + next - after;
  const double cube = here - before + after - next;
  return here + d * (linear + d * (square + d * cube));
}

uint8_t CutToByte(double value) { return static_cast<uint8_t>(std::clamp(value, 0.0, 255.0)); }

uint8_t SampleBicubic(const uint8_t* plane, int64_t height, int64_t width, const SamplePoint& at) {
  int64_t column[4];
  for (int64_t i = 0; i < 4; ++i) column[i] = std::clamp<int64_t>(at.x - 1 + i, 0, width - 1);
  double rows[4];
  for (int64_t i = 0; i < 4; ++i) {
    const uint8_t* const row = plane + std::clamp<int64_t>(at.y - 1 + i, 0, height - 1) * width;
    rows[i] = Cubic(row[column[0]], row[column[1]], row[column[2]], row[column[3]], at.dx);
  }
  return CutToByte(Cubic(rows[0], rows[1], rows[2], rows[3], at.dy));
}

uint8_t SampleBilinear(const uint8_t* plane, int64_t height, int64_t width, const SamplePoint& at) {
  const int64_t left = std::clamp<int64_t>(at.x, 0, width - 1);
  const int64_t right = std::clamp<int64_t>(at.x + 1, 0, width - 1);
  double rows[2];
  for (int64_t i = 0; i < 2; ++i) {
    const uint8_t* const row = plane + std::clamp<int64_t>(at.y + i, 0, height - 1) * width;
    rows[i] = row[left] + at.dx * (row[right] - row[left]);
  }
  return CutToByte(rows[0] + at.dy * (rows[1] - rows[0]));
}

}  // namespace

AffineMatrix ShearXMatrix(double factor) { return {1, factor, 0, 0, 1, 0}; }
AffineMatrix ShearYMatrix(double factor) { return {1, 0, 0, factor, 1, 0}; }
AffineMatrix TranslateXMatrix(double pixels) { return {1, 0, pixels, 0, 1, 0}; }
AffineMatrix TranslateYMatrix(double pixels) { return {1, 0, 0, 0, 1, pixels}; }

AffineMatrix RotateMatrix(double degrees, int64_t height, int64_t width) {
  const double angle = -degrees * std::numbers::pi / 180.0;
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const double x = static_cast<double>(width) / 2.0, y = static_cast<double>(height) / 2.0;
  return {cosine, sine, x - cosine * x - sine * y, -sine, cosine, y + sine * x - cosine * y};
}

void ApplyAffine(const ByteImage& source, const AffineMatrix& matrix, Interpolation interpolation,
                 const uint8_t* fill, ByteImage& out) {
  const auto sample = interpolation == Interpolation::kBicubic ? SampleBicubic : SampleBilinear;
  const int64_t height = source.height, width = source.width;
  const auto& m = matrix;
  out.Reshape(source.channels, height, width);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const double column = static_cast<double>(x) + 0.5, row = static_cast<double>(y) + 0.5;
      const double from_x = m[0] * column + m[1] * row + m[2], from_y = m[3] * column + m[4] * row + m[5];
      const bool inside = from_x >= 0.0 && from_x < static_cast<double>(width) && from_y >= 0.0 &&
                          from_y < static_cast<double>(height);
      const SamplePoint point = PointAt(from_x, from_y);
      for (int64_t c = 0; c < source.channels; ++c)
        out.plane(c)[y * width + x] = inside ? sample(source.plane(c), height, width, point) : fill[c];
    }
  }
}

}  // namespace mae
