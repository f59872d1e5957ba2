#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "server/admission.h"
#include "server/infer_statistics.h"
#include "server/inference_inputs.h"
#include "server/inference_task.h"
#include "server/open_streams.h"
#include "serving/model_store.h"

/// What requests to models have in common, whichever service they come by.
namespace mae {

/// A deadline of gRPC's clock by absl's, which lags behind for seconds when the system's clock has stepped.
/// @param now, our_now the same moment by each. InfiniteFuture for none.
absl::Time OnOurClock(std::chrono::system_clock::time_point deadline,
                      std::chrono::system_clock::time_point now, absl::Time our_now);

/// The caller of a gRPC method, as models know it. `context` outlives what it gives.
RequestContext ContextOf(const grpc::CallbackServerContext& context);

/// Which model is asked, and what for.
struct ModelQuery {
  std::string model;                                 ///< as ModelStore::Resolve takes it
  std::optional<InferenceTask> task = std::nullopt;  ///< nothing: the model's usual one
};

/// A request whose model was found and can do what is asked. Not thread-safe.
class ModelRequest {
 public:
  ModelRequest(ModelStore& store, std::shared_ptr<const ModelVersion> found, InferenceTask asked)
      : version(*found), task(asked), found_(std::move(found)), store_(store) {}

  const ModelVersion& version;
  const InferenceTask task;

  /// Loads the model, unless nobody waits for the answer any more, and gives what `ask` gets from it. Called
  /// once, when the inputs have been read: what comes before is the request's input phase, what comes after
  /// its output phase.
  /// @param ask from a const Predictor& to a StatusOr.
  template <typename Ask>
  auto Run(const RequestContext& context, const Ask& ask) -> decltype(ask(std::declval<const Predictor&>())) {
    read_ = absl::Now();
    const auto predictor = Load(context);
    if (!predictor.ok()) return predictor.status();
    auto answer = ask(**predictor);
    answered_ = absl::Now();
    return answer;
  }

  absl::Time read() const { return read_; }
  absl::Time answered() const { return answered_; }

 private:
  absl::StatusOr<std::shared_ptr<const Predictor>> Load(const RequestContext& context);

  const std::shared_ptr<const ModelVersion> found_;
  ModelStore& store_;
  absl::Time read_ = absl::InfiniteFuture(), answered_ = absl::InfiniteFuture();
};

/// Finds the model of each request, checks that it would do, runs the request, and tells the metrics.
/// Thread-safe; what it is given by reference outlives it.
class ModelRequests {
 public:
  /// A field of lib/ to the request's own name for it, where they differ.
  using FieldNames = std::map<std::string, std::string>;

  ModelRequests(ModelStore& store, InferStatistics& statistics, InferenceLimits limits,
                Admission::Limits admission = {})
      : store_(store), statistics_(statistics), limits_(limits), admission_(admission, statistics) {}

  /// What a request needs before it is put into a queue or its pictures are decoded; it is held until the
  /// request has ended. Never blocks. A refusal (Admission has them) is told to the metrics here.
  /// @param images as the request says, not checked yet. @param passes that each of them goes through.
  /// @return a ticket; an empty one if there is no such model, which Serve will say.
  absl::StatusOr<Admission::Ticket> Admit(const absl::StatusOr<ModelQuery>& query, int64_t images,
                                          absl::Time deadline, int64_t passes = 1);

  /// Its RESOURCE_EXHAUSTED, of the model's queue or of memory, has a RetryInfo, unless it LeavesNoRoom.
  /// @param query an error: the request is refused with it.
  /// @param run the request itself.
  absl::Status Serve(const absl::StatusOr<ModelQuery>& query, const FieldNames& fields,
                     const std::function<absl::Status(ModelRequest&)>& run);

  /// NOT_FOUND; FAILED_PRECONDITION that names models that would do, if this one can't.
  absl::StatusOr<ModelRequest> Find(const absl::StatusOr<ModelQuery>& query);

  ModelStore& store() { return store_; }
  OpenStreams& streams() { return streams_; }
  const InferStatistics& statistics() const { return statistics_; }
  const Admission& admission() const { return admission_; }
  const InferenceLimits& limits() const { return limits_; }

 private:
  absl::Status CheckCan(const ModelVersion& version, InferenceTask task) const;

  ModelStore& store_;
  InferStatistics& statistics_;
  const InferenceLimits limits_;
  Admission admission_;
  OpenStreams streams_;
};

}  // namespace mae
