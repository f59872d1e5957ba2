#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/work_queue.h"
#include "serving/request_context.h"

namespace mae {

struct BatchOptions {
  int64_t max_batch = 64;  ///< images that the model runs at once, at least 1
  /// Sizes, rising, at most max_batch, that the model is quickest at: a batch that reaches one does not wait
  /// for max_delay, and of more images that wait the largest of them is taken. May be empty.
  std::vector<int64_t> preferred = {};
  int64_t max_queued = 1024;  ///< images that wait, at least 1
  /// How long a batch that is not full waits for more images; 0: not at all, and what comes while the model
  /// runs is the next batch.
  absl::Duration max_delay = absl::ZeroDuration();
  int64_t max_running = 1;  ///< batches of one model that run side by side, at least 1
};

/// What became of a batch, for metrics.
struct BatchRecord {
  int64_t images = 0, requests = 0;
  absl::Duration queued;           ///< of the request that waited longest
  absl::Duration queued_together;  ///< of all its requests
  absl::Duration ran;
};

/// Images of several requests as one batch of one model ("dynamic batching"). A request that finds the queue
/// empty and the model idle runs at once, as a batch of its own; those that come while it runs form the next.
/// Smaller priorities go first, then those that came first; a batch takes requests of one kind alone. A
/// request whose deadline comes before the model could answer, or whose caller has gone, is not run.
/// Thread-safe. Torch-free.
class BatchQueue {
 public:
  /// A row of the answer an image.
  using Rows = std::vector<std::vector<float>>;
  /// Runs the model once. @param kind as given to Run. @param values [images, …], row-major; may be changed.
  using Forward =
      std::function<absl::StatusOr<Rows>(int64_t kind, std::vector<float>& values, int64_t images)>;

  /// @param threads where the model runs; outlives the queue, and has room for max_running of it.
  /// @param forward called from those threads, at most max_running at a time, never once the queue is gone.
  /// @param record told of each batch before it is answered; may be null.
  BatchQueue(BatchOptions options, WorkQueue& threads, Forward forward,
             std::function<void(const BatchRecord&)> record);
  /// No Run may be under way.
  ~BatchQueue();
  BatchQueue(const BatchQueue&) = delete;
  BatchQueue& operator=(const BatchQueue&) = delete;

  /// Waits for its turn and for the model; more images than max_batch run as several batches.
  /// @param kind requests of different kinds never share a batch.
  /// @return a row an image. RESOURCE_EXHAUSTED if max_queued images wait, DEADLINE_EXCEEDED, CANCELLED, or
  /// the error of the batch that it was in.
  absl::StatusOr<Rows> Run(int64_t kind, std::vector<float> values, int64_t images,
                           const RequestContext& context);

  /// Likewise, but `work` runs as a batch of its own, on one of the threads. @param images that it is worth.
  absl::Status RunAlone(const std::function<void()>& work, int64_t images, const RequestContext& context);

  /// Whether so many requests, or more, wait for their turn. For tests and metrics.
  bool Waits(int64_t requests) const;

 private:
  struct Request;
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace mae
