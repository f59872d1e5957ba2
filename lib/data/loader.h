#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "data/batch.h"
#include "data/dataset.h"
#include "data/epoch_order.h"

namespace mae {

struct LoaderOptions {
  int64_t batch_size = 256;         ///< at least 1
  bool shuffle = true;              ///< EpochOrder; false: the split's own order
  bool drop_last = false;           ///< leave out the last batch of an epoch if it is smaller
  uint64_t seed = 0;                ///< of the order
  ImageTransformOptions transform;  ///< what becomes of each image; its mean is set from `mean`
  int64_t workers = 1;  ///< threads, at least 1; batches are the same, in the same order, whatever the number
  int64_t queue_batches = 4;  ///< batches ahead of the consumer, ready or in the making; at least 1
  bool bytes = false;         ///< batches for a CutTransform; only where ByteBatchMaker::CanMake holds
  bool page_locked = false;   ///< batches in memory that a GPU copies from by itself; only where there is one
  int64_t rank = 0, ranks = 1;        ///< of each batch, the part of this rank (Batch::share)
  std::vector<double> mean, std_dev;  ///< a channel each, of pixel values in 0..1; std_dev above 0
};

/// Prepares batches of one epoch ahead of the step that uses them, on threads of its own.
/// StartEpoch and Next are for one consumer thread; the rest is safe from any. The image set must outlive the
/// loader.
class Loader {
 public:
  /// @throws c10::Error for an option outside its range.
  Loader(const ImageSet& images, LoaderOptions options);
  /// Stops and joins the workers, whatever state they are in: waits for the batches in the making at most.
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// Begins an epoch at a batch of it (from 0); batches of an earlier one that still wait are dropped.
  /// @throws c10::Error if first_batch is not in 0 .. num_batches().
  void StartEpoch(int64_t epoch, int64_t first_batch = 0);

  /// The next batch, or nothing at the end of the epoch or before the first. Blocks until it is ready.
  /// @throws what making the batch threw (out of memory).
  std::optional<Batch> Next();

  /// Batches an epoch.
  int64_t num_batches() const;
  /// Images in a batch of an epoch (from 0), of all ranks together.
  int64_t images_in(int64_t batch) const;

  /// How long Next has blocked in all, in seconds.
  double wait_seconds() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mae
