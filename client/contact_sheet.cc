#include "client/contact_sheet.h"

#include <algorithm>
#include <vector>

#include "base/status_macros.h"
#include "image/panel.h"

namespace mae {
namespace {

constexpr int64_t kSide = 96;
constexpr size_t kColumns = 8;
constexpr int64_t kGap = 4;
constexpr int64_t kMaxPixels = int64_t{1} << 27;

// Scaled to fit into the square, its aspect kept, in the middle of white. Small pictures keep hard pixels.
absl::StatusOr<Picture> Tile(const std::string& png) {
  MAE_ASSIGN_OR_RETURN(Picture picture, DecodePicture(png, kMaxPixels));
  MAE_ASSIGN_OR_RETURN(picture, ConvertChannels(picture, 3));
  const int64_t longest = std::max(picture.height, picture.width);
  if (2 * longest <= kSide) picture = Magnify(picture, kSide / longest);
  if (longest > kSide) {
    MAE_ASSIGN_OR_RETURN(picture, Resize(picture, std::max<int64_t>(1, picture.height * kSide / longest),
                                         std::max<int64_t>(1, picture.width * kSide / longest)));
  }
  Picture tile{kSide, kSide, 3, std::vector<uint8_t>(static_cast<size_t>(kSide * kSide * 3), 255)};
  const int64_t top = (kSide - picture.height) / 2, left = (kSide - picture.width) / 2;
  for (int64_t row = 0; row < picture.height; ++row) {
    const auto from = picture.pixels.begin() + row * picture.width * 3;
    std::copy(from, from + picture.width * 3, tile.pixels.begin() + ((top + row) * kSide + left) * 3);
  }
  return tile;
}

}  // namespace

absl::StatusOr<Picture> ContactSheet(const v1::GetDatasetImagesResponse& images) {
  std::vector<std::vector<Picture>> rows;
  for (const v1::DatasetImage& image : images.images()) {
    if (rows.empty() || rows.back().size() == kColumns) rows.emplace_back();
    MAE_ASSIGN_OR_RETURN(Picture tile, Tile(image.png()));
    rows.back().push_back(std::move(tile));
  }
  const Picture white{kSide, kSide, 3, std::vector<uint8_t>(static_cast<size_t>(kSide * kSide * 3), 255)};
  while (rows.size() > 1 && rows.back().size() < kColumns) rows.back().push_back(white);
  return ComposePanel(rows, {}, kGap);
}

}  // namespace mae
