#pragma once

#include <torch/torch.h>

#include <optional>

#include "data/batch.h"
#include "data/cut_transform.h"
#include "runtime/side_stream.h"

namespace mae {

/// Brings batches to the device of a model. On a GPU they are copied from page-locked memory, and transformed
/// if they are still bytes, on a stream of their own while the steps before them still run; the present
/// stream waits for them, the host does not. On a CPU copying is nothing. One thread.
class BatchFeed {
 public:
  /// @param transform of batches that a ByteBatchMaker made; none: they come as a BatchMaker makes them.
  BatchFeed(const torch::Device& device, std::optional<CutTransform> transform)
      : device_(device), transform_(std::move(transform)), side_(device) {
    side_.RunInTurn([] {});  // What the transform was made of is there from here on.
  }

  /// @param batch on the CPU, page-locked or not (LoaderOptions::page_locked).
  /// @return images [B, C, height, width] float32 and labels on the device, no cuts, the rest as it was.
  Batch Move(Batch batch);

 private:
  torch::Tensor OnDevice(const torch::Tensor& tensor) const;

  const torch::Device device_;
  const std::optional<CutTransform> transform_;
  SideStream side_;
};

}  // namespace mae
