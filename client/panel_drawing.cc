#include "client/panel_drawing.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "client/picture_drawing.h"
#include "client/readable.h"
#include "image/panel.h"

namespace mae {
namespace {

constexpr int64_t kMaxPixels = int64_t{1} << 26;
constexpr int64_t kPanelGap = 8;
const std::vector<std::string>& Headings() {
  static const std::vector<std::string> headings = {"original", "masked", "reconstruction", "pasted"};
  return headings;
}

/// Headings above pictures that are `width` columns wide with a gap of one; shortened where they don't fit.
std::string HeadingLine(int width) {
  std::string line;
  for (const std::string& heading : Headings()) {
    const std::string shown = heading.substr(0, std::max(0, width));
    absl::StrAppend(&line, " ", shown,
                    std::string(std::max<int>(0, width - static_cast<int>(shown.size())), ' '));
  }
  return line + "\n";
}

}  // namespace

absl::StatusOr<std::vector<Picture>> PicturesOf(const v1::Reconstruction& reconstruction) {
  std::vector<Picture> pictures;
  const bool is_png = !reconstruction.panel_png().empty();
  const auto either = [is_png](const std::string& png, const std::string& webp) {
    return is_png ? &png : &webp;
  };
  for (const std::string* encoded :
       {either(reconstruction.original_png(), reconstruction.original_webp()),
        either(reconstruction.masked_png(), reconstruction.masked_webp()),
        either(reconstruction.reconstruction_png(), reconstruction.reconstruction_webp()),
        either(reconstruction.pasted_png(), reconstruction.pasted_webp())}) {
    const absl::StatusOr<Picture> picture = DecodePicture(*encoded, kMaxPixels);
    if (!picture.ok())
      return absl::DataLossError(absl::StrCat("a picture from the server: ", picture.status().message()));
    pictures.push_back(*picture);
  }
  return pictures;
}

absl::StatusOr<std::string> DrawPanel(const std::vector<Picture>& row, int columns, ColorDepth colors) {
  const int count = static_cast<int>(row.size());
  const int64_t fitting = std::max(1, (columns - count - 1) / count);
  std::vector<Picture> shown = row;
  for (Picture& picture : shown) {
    if (picture.width <= fitting) continue;
    const int64_t height = std::max<int64_t>(1, picture.height * fitting / picture.width);
    MAE_ASSIGN_OR_RETURN(picture, Resize(picture, height, fitting));
  }
  MAE_ASSIGN_OR_RETURN(const Picture panel, ComposePanel({shown}, {}, 1));
  MAE_ASSIGN_OR_RETURN(const std::string text, DrawPicture(panel, columns, colors));
  return HeadingLine(static_cast<int>(shown.front().width)) + text;
}

absl::StatusOr<std::string> EncodedPanel(const std::vector<std::vector<Picture>>& rows,
                                         PictureFormat format) {
  MAE_ASSIGN_OR_RETURN(const Picture panel, ComposePanel(rows, Headings(), kPanelGap));
  return EncodePicture(panel, format);
}

}  // namespace mae
