#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/terminal.h"
#include "image/codec.h"

namespace mae {

/// The picture in text: each character "▀" shows two pixels, the upper one in its own colour and the lower
/// one as background, in 24-bit or 256 colours. Without colours one of " ░▒▓█" stands for the brightness of
/// two pixels. A picture wider than `columns` is shrunk to fit, its shape kept; it is never enlarged. 1 or 3
/// channels, or alpha over white. Each line ends with a newline and, where there are colours, resets them.
/// Errors as image/codec.h.
absl::StatusOr<std::string> DrawPicture(const Picture& picture, int columns, ColorDepth colors);

/// The nearest of the 216 + 24 fixed colours of a 256-colour terminal (xterm's cube and greys). Pure.
int NearestOf256(int red, int green, int blue);

}  // namespace mae
