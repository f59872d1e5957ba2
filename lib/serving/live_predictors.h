#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "serving/predictor.h"
#include "serving/request_context.h"

namespace mae {

/// Which predictors are in memory, whoever holds them. Thread-safe; predictors may outlive it.
class LivePredictors {
 public:
  /// The predictor to share: it is in memory until the last holder lets go.
  std::shared_ptr<const Predictor> Share(const std::string& key, std::unique_ptr<Predictor> predictor);

  /// Waits until every predictor of the key that is in memory now has gone; those that come later are not
  /// waited for. DEADLINE_EXCEEDED, CANCELLED.
  absl::Status WaitUntilGone(const std::string& key, const RequestContext& context) const;

 private:
  struct State {
    absl::Mutex mutex;
    int64_t newest ABSL_GUARDED_BY(mutex) = 0;
    std::map<std::string, std::set<int64_t>> numbers ABSL_GUARDED_BY(mutex);  ///< no set is empty
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace mae
