#pragma once

#include <string_view>

namespace mae {

/// How a camera was held, by EXIF (JEITA CP-3451, tag 0x0112): 1 upright, 2 mirrored, 3 half turn, 4 upside
/// down mirrored, 5 transposed, 6 to be turned right, 7 transversed, 8 to be turned left. Pure; safe
/// anywhere.
/// @param exif a TIFF structure; any bytes are safe.
/// @return 1 if it is empty, damaged, or does not say.
int ExifOrientation(std::string_view exif);

}  // namespace mae
