#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "data/dataset.h"

namespace mae {

/// One step's input.
struct Batch {
  torch::Tensor images;          ///< [B, C, H, W] float32, (pixel / 255 - mean) / std, on the CPU
  torch::Tensor labels;          ///< [B] int64
  std::vector<int64_t> indices;  ///< of each image in its split
};

struct LoaderOptions {
  int64_t batch_size = 256;  ///< at least 1
  bool shuffle = true;       ///< a new order each epoch, a function of (seed, epoch) alone
  bool drop_last = false;
  bool horizontal_flip = false;  ///< by a coin of (seed, epoch, image)
  uint64_t seed = 0;
  int64_t workers = 1;         ///< threads; batches come in order whatever the number
  int64_t queue_batches = 4;   ///< prepared batches that may wait; at least 1
  std::vector<double> mean, std_dev;
};

/// Prepares batches of one epoch ahead of the step that uses them, on threads of its own.
/// One consumer thread. The image set must outlive the loader.
class Loader {
 public:
  Loader(const ImageSet& images, LoaderOptions options);
  ~Loader();  ///< stops and joins the workers
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// Begins an epoch at a batch of it; batches of an earlier one that still wait are dropped.
  void StartEpoch(int64_t epoch, int64_t first_batch = 0);

  /// The next batch, or nothing at the end of the epoch. Blocks until it is ready.
  std::optional<Batch> Next();

  /// Batches an epoch.
  int64_t num_batches() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// The order of an epoch: a permutation of 0 .. count-1 that depends on (seed, epoch) alone.
std::vector<int64_t> EpochOrder(int64_t count, uint64_t seed, int64_t epoch);

}  // namespace mae
