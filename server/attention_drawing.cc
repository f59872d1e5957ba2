#include "server/attention_drawing.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "image/heat_map.h"
#include "image/panel.h"

namespace mae {
namespace {

// Map `index` of those in the tensor, [.., rows, cols].
absl::StatusOr<Picture> DrawMap(const Picture& image, const FloatTensor& maps, int64_t index) {
  const auto rows = maps.shape[maps.shape.size() - 2], cols = maps.shape.back();
  const auto first = maps.values.begin() + index * rows * cols;
  return DrawHeatMap(image, {first, first + rows * cols}, rows, cols);
}

// In rows of as many as there are, or as there may be; what the last one lacks is white.
absl::StatusOr<Picture> DrawAttentionPanel(const std::vector<Picture>& pictures) {
  const size_t columns = std::min(pictures.size(), size_t{kMaxPanelColumns});
  const Picture& first = pictures.front();
  const Picture white{first.height, first.width, 1,
                      std::vector<uint8_t>(static_cast<size_t>(first.height * first.width), 255)};
  std::vector<std::vector<Picture>> rows;
  for (size_t i = 0; i < (pictures.size() + columns - 1) / columns * columns; ++i) {
    if (i % columns == 0) rows.emplace_back();
    rows.back().push_back(i < pictures.size() ? pictures[i] : white);
  }
  std::vector<std::string> names = {"image", "mean"};
  for (size_t head = 1; head + 1 < columns; ++head) names.push_back(absl::StrCat("head ", head));
  if (rows.size() > 1) names.clear();
  return ComposePanel(rows, names, kPanelGap);
}

}  // namespace

absl::StatusOr<AttentionDrawing> DrawAttention(const AttentionMaps& maps, int64_t image,
                                               const PictureStyle& style,
                                               const AttentionPictureChoice& choice) {
  AttentionDrawing drawing;
  std::vector<Picture> pictures = {Magnify(maps.images[static_cast<size_t>(image)], style.scale)};
  if (choice.mean || choice.panel) {
    MAE_ASSIGN_OR_RETURN(auto mean, DrawMap(pictures[0], maps.mean, image));
    if (choice.mean) {
      MAE_ASSIGN_OR_RETURN(drawing.mean, EncodePicture(mean, style.format));
    }
    pictures.push_back(std::move(mean));
  }
  const int64_t heads = choice.heads || choice.panel ? maps.heads.shape[1] : 0;
  for (int64_t head = 0; head < heads; ++head) {
    MAE_ASSIGN_OR_RETURN(auto drawn, DrawMap(pictures[0], maps.heads, image * heads + head));
    if (choice.heads) {
      MAE_ASSIGN_OR_RETURN(auto encoded, EncodePicture(drawn, style.format));
      drawing.heads.push_back(std::move(encoded));
    }
    if (choice.panel) pictures.push_back(std::move(drawn));
  }
  if (!choice.panel) return drawing;
  MAE_ASSIGN_OR_RETURN(const auto panel, DrawAttentionPanel(pictures));
  MAE_ASSIGN_OR_RETURN(drawing.panel, EncodePicture(panel, style.format));
  return drawing;
}

}  // namespace mae
