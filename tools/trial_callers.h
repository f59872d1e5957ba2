#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "mae/v1/inference.grpc.pb.h"

namespace mae {

/// Classify calls under way, each told of on its end. Thread-safe.
class TrialCallers {
 public:
  /// Called on a thread of gRPC's; must not block.
  using Ended = std::function<void(int64_t index, absl::Duration took, const grpc::Status& status,
                                   const v1::ClassifyResponse& response)>;

  TrialCallers(v1::InferenceService::Stub& stub, absl::Duration deadline, Ended ended)
      : stub_(stub), deadline_(deadline), ended_(std::move(ended)) {}
  /// Waits for the end of all of them, which their deadlines see to.
  ~TrialCallers();

  /// @param request outlives the call.
  void Call(int64_t index, const v1::ClassifyRequest& request);

  /// Keeps `concurrency` calls under way until `until`, through `requests` in turns.
  void Load(int64_t concurrency, absl::Time until, const std::vector<v1::ClassifyRequest>& requests);

 private:
  struct One;
  void Start(std::unique_ptr<One> one, const v1::ClassifyRequest& request);
  void Finish(One* one, const grpc::Status& status);

  v1::InferenceService::Stub& stub_;
  const absl::Duration deadline_;
  const Ended ended_;
  std::atomic<int64_t> next_ = 0;
  absl::Mutex mutex_;
  int64_t under_way_ ABSL_GUARDED_BY(mutex_) = 0;
};

/// The value below which that share of them lies; 0 of none. Sorts them.
double TrialShare(std::vector<double>& values, double share);

}  // namespace mae
