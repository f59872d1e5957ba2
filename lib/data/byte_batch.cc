#include "data/byte_batch.h"

#include <algorithm>
#include <utility>

namespace mae {

bool ByteBatchMaker::CanMake(const ImageSet& images, const ImageTransformOptions& transform) {
  return images.encoded == nullptr &&
         ImageTransform(transform, images.channels).IsCutAlone(images.height, images.width);
}

ByteBatchMaker::ByteBatchMaker(const ImageSet& images, ImageTransformOptions transform)
    : images_(images), transform_(std::move(transform), images.channels) {}

Batch ByteBatchMaker::Make(absl::Span<const int64_t> indices, int64_t epoch) const {
  const auto size = static_cast<int64_t>(indices.size());
  Batch batch;
  batch.indices.assign(indices.begin(), indices.end());
  batch.images = torch::empty({size, images_.channels, images_.height, images_.width}, torch::kUInt8);
  batch.labels = torch::empty({size}, torch::kInt64);
  batch.cuts = torch::empty({size, Batch::kCutNumbers}, torch::kInt64);
  uint8_t* out = batch.images.data_ptr<uint8_t>();
  int64_t* const labels = batch.labels.data_ptr<int64_t>();
  int64_t* cut_out = batch.cuts.data_ptr<int64_t>();
  for (int64_t i = 0; i < size; ++i) {
    const int64_t index = indices[i];
    out = std::copy_n(images_.image(index), images_.image_bytes(), out);
    labels[i] = images_.labels[index];
    const auto cut = transform_.DrawCut(images_.height, images_.width, epoch, index);
    for (const int64_t number :
         {cut.box.top, cut.box.left, cut.box.height, cut.box.width, int64_t{cut.mirror}})
      *cut_out++ = number;
  }
  return batch;
}

}  // namespace mae
