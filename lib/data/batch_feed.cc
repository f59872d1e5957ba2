#include "data/batch_feed.h"

#include <vector>

namespace mae {

torch::Tensor BatchFeed::OnDevice(const torch::Tensor& tensor) const {
  if (device_.is_cpu()) return tensor;
  const auto locked = tensor.is_pinned() ? tensor : tensor.pin_memory();
  return locked.to(device_, /*non_blocking=*/true);
}

Batch BatchFeed::Move(Batch batch) {
  const auto moved = side_.RunAhead([&]() -> std::vector<torch::Tensor> {
    auto images = OnDevice(batch.images);
    if (batch.cuts.defined()) images = transform_.value().Apply(images, OnDevice(batch.cuts));
    return {images, OnDevice(batch.labels)};
  });
  batch.images = moved[0];
  batch.labels = moved[1];
  batch.cuts = torch::Tensor();
  return batch;
}

}  // namespace mae
