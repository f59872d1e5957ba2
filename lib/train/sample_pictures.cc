#include "train/sample_pictures.h"

#include <algorithm>
#include <unordered_set>

#include "base/counted_random.h"
#include "image/panel.h"

namespace mae {
namespace {

// Small pictures are magnified to about this many pixels a side, wide enough for the heading above them.
constexpr int64_t kLegibleSide = 128;
constexpr int64_t kGap = 6;

// One value a channel, shaped to broadcast over [B, C, H, W].
torch::Tensor PerChannel(const std::vector<double>& values, const torch::Device& device) {
  const auto tensor = torch::tensor(values, torch::kFloat64).to(torch::kFloat32);
  return tensor.view({1, -1, 1, 1}).to(device);
}

// image: [C, H, W] in 0..1.
Picture ToPicture(const torch::Tensor& image) {
  const int64_t channels = image.size(0) >= 3 ? 3 : 1;
  const auto bytes = (image.slice(0, 0, channels) * 255.0).round().clamp(0, 255).to(torch::kUInt8);
  const auto rows = bytes.permute({1, 2, 0}).contiguous().cpu();
  const uint8_t* first = rows.data_ptr<uint8_t>();
  return {image.size(1), image.size(2), channels, {first, first + rows.numel()}};
}

}  // namespace

std::vector<int64_t> PictureIndices(uint64_t seed, int64_t epoch, int64_t count, int64_t available) {
  std::vector<int64_t> chosen;
  std::unordered_set<int64_t> seen;
  for (uint64_t draw = 0; static_cast<int64_t>(chosen.size()) < std::min(count, available); ++draw) {
    const uint64_t bits = CountedBits(seed, RandomStream::kPicture, {static_cast<uint64_t>(epoch), draw});
    const auto index = static_cast<int64_t>(bits % static_cast<uint64_t>(available));
    if (seen.insert(index).second) chosen.push_back(index);
  }
  return chosen;
}

torch::Tensor ToPixels(const torch::Tensor& images, const std::vector<double>& mean,
                       const std::vector<double>& std_dev) {
  const auto device = images.device();
  return (images.to(torch::kFloat32) * PerChannel(std_dev, device) + PerChannel(mean, device))
      .clamp(0.0, 1.0);
}

absl::StatusOr<Picture> DrawTable(const std::vector<torch::Tensor>& columns,
                                  const std::vector<std::string>& headings) {
  const auto& first = columns.front();
  const int64_t factor = std::max<int64_t>(1, kLegibleSide / std::max(first.size(2), first.size(3)));
  std::vector<std::vector<Picture>> rows(static_cast<size_t>(first.size(0)));
  for (size_t row = 0; row < rows.size(); ++row) {
    for (const auto& column : columns) {
      rows[row].push_back(Magnify(ToPicture(column[static_cast<int64_t>(row)]), factor));
    }
  }
  return ComposePanel(rows, headings, kGap);
}

}  // namespace mae
