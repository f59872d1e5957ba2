#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/terminal.h"
#include "image/codec.h"
#include "mae/v1/inference.pb.h"

namespace mae {

/// Original, masked, reconstruction, pasted, decoded. DATA_LOSS if the server's pictures can't be read.
absl::StatusOr<std::vector<Picture>> PicturesOf(const v1::Reconstruction& reconstruction);

/// Pictures side by side in text, with their headings (client/picture_drawing.h).
absl::StatusOr<std::string> DrawPanel(const std::vector<Picture>& row, int columns, ColorDepth colors);

/// One picture of all rows with a heading above each column. INVALID_ARGUMENT if sizes differ, or it is too
/// large for the format.
absl::StatusOr<std::string> EncodedPanel(const std::vector<std::vector<Picture>>& rows, PictureFormat format);

}  // namespace mae
