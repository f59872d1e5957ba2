#include "client/picture_drawing.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace mae {
namespace {

using Rgb = std::array<uint8_t, 3>;

Rgb PixelAt(const Picture& picture, int64_t row, int64_t column) {
  const uint8_t* pixel = picture.pixels.data() + (row * picture.width + column) * 3;
  return {pixel[0], pixel[1], pixel[2]};
}

int LevelOf(int value) {
  // Steps of the cube: 0, 95, 135, 175, 215, 255.
  return value < 48 ? 0 : value < 115 ? 1 : (value - 35) / 40;
}

int SquaredDistance(const Rgb& a, const Rgb& b) {
  int sum = 0;
  for (int c = 0; c < 3; ++c) sum += (a[c] - b[c]) * (a[c] - b[c]);
  return sum;
}

/// `ground`: 38 for the character's colour, 48 for the background's.
std::string ColorCode(int ground, const Rgb& color, ColorDepth colors) {
  if (colors == ColorDepth::kTrue) {
    return absl::StrCat("\x1b[", ground, ";2;", color[0], ";", color[1], ";", color[2], "m");
  }
  return absl::StrCat("\x1b[", ground, ";5;", NearestOf256(color[0], color[1], color[2]), "m");
}

int Luma(const Rgb& color) { return (299 * color[0] + 587 * color[1] + 114 * color[2]) / 1000; }

const char* Shade(const Rgb& upper, const Rgb& lower) {
  static constexpr const char* kShades[] = {" ", "░", "▒", "▓", "█"};
  return kShades[std::min(4, (Luma(upper) + Luma(lower)) * 5 / 511)];
}

std::string ColoredLine(const Picture& picture, int64_t row, ColorDepth colors) {
  std::string line, last_upper, last_lower;
  for (int64_t c = 0; c < picture.width; ++c) {
    const std::string upper = ColorCode(38, PixelAt(picture, row, c), colors);
    // Below the last row of an odd height stands the terminal's own background.
    const std::string lower =
        row + 1 < picture.height ? ColorCode(48, PixelAt(picture, row + 1, c), colors) : "\x1b[49m";
    if (upper != last_upper) line += upper;
    if (lower != last_lower) line += lower;
    line += "▀";
    last_upper = upper;
    last_lower = lower;
  }
  return line + "\x1b[0m\n";
}

std::string ShadedLine(const Picture& picture, int64_t row) {
  std::string line;
  for (int64_t c = 0; c < picture.width; ++c) {
    line += Shade(PixelAt(picture, row, c), PixelAt(picture, std::min(row + 1, picture.height - 1), c));
  }
  return line + "\n";
}

}  // namespace

int NearestOf256(int red, int green, int blue) {
  static constexpr int kSteps[] = {0, 95, 135, 175, 215, 255};
  const Rgb wanted = {static_cast<uint8_t>(red), static_cast<uint8_t>(green), static_cast<uint8_t>(blue)};
  const int r = LevelOf(red), g = LevelOf(green), b = LevelOf(blue);
  const Rgb cube = {static_cast<uint8_t>(kSteps[r]), static_cast<uint8_t>(kSteps[g]),
                    static_cast<uint8_t>(kSteps[b])};
  // Greys: 8, 18, … 238.
  const int grey = std::clamp(((red + green + blue) / 3 - 3) / 10, 0, 23);
  const uint8_t grey_value = static_cast<uint8_t>(8 + 10 * grey);
  const bool grey_is_nearer =
      SquaredDistance(wanted, {grey_value, grey_value, grey_value}) < SquaredDistance(wanted, cube);
  return grey_is_nearer ? 232 + grey : 16 + 36 * r + 6 * g + b;
}

absl::StatusOr<std::string> DrawPicture(const Picture& picture, int columns, ColorDepth colors) {
  MAE_ASSIGN_OR_RETURN(Picture shown, ConvertChannels(picture, 3));
  if (shown.width > columns) {
    const int64_t height = std::max<int64_t>(1, shown.height * columns / shown.width);
    MAE_ASSIGN_OR_RETURN(shown, Resize(shown, height, columns));
  }
  std::string text;
  for (int64_t row = 0; row < shown.height; row += 2) {
    text += colors == ColorDepth::kNone ? ShadedLine(shown, row) : ColoredLine(shown, row, colors);
  }
  return text;
}

}  // namespace mae
