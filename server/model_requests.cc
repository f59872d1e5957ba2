#include "server/model_requests.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "server/field_status.h"
#include "server/status_to_grpc.h"
#include "serving/predictor_cache.h"

namespace mae {
namespace {

constexpr absl::Duration kRetry = absl::Seconds(1);

}  // namespace

absl::Time OnOurClock(std::chrono::system_clock::time_point deadline,
                      std::chrono::system_clock::time_point now, absl::Time our_now) {
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::InfiniteFuture();
  return our_now + absl::FromChrono(deadline - now);
}

RequestContext ContextOf(const grpc::CallbackServerContext& context) {
  return {.deadline = OnOurClock(context.deadline(), std::chrono::system_clock::now(), absl::Now()),
          .is_cancelled = [&context] { return context.IsCancelled(); }};
}

absl::StatusOr<std::shared_ptr<const Predictor>> ModelRequest::Load(const RequestContext& context) {
  if (context.is_cancelled && context.is_cancelled()) return absl::CancelledError("the caller has gone");
  return store_.PredictorOf(version);
}

absl::StatusOr<Admission::Ticket> ModelRequests::Admit(const absl::StatusOr<ModelQuery>& query,
                                                       int64_t images, absl::Time deadline, int64_t passes) {
  const auto start = absl::Now();
  const auto found = query.ok() ? store_.Find(query->model) : query.status();
  if (!found.ok()) return Admission::Ticket();
  const ModelVersion& version = **found;
  auto ticket = admission_.Admit(version.model, version.version,
                                 std::min(images, limits_.max_images_per_request) * passes, deadline);
  if (!ticket.ok()) {
    statistics_.Record(version.model, version.version,
                       MethodName(query->task.value_or(UsualTask(version.config))), ticket.status().code(),
                       absl::Now() - start);
  }
  return ticket;
}

absl::Status ModelRequests::Serve(const absl::StatusOr<ModelQuery>& query, const FieldNames& fields,
                                  const std::function<absl::Status(ModelRequest&)>& run) {
  const auto start = absl::Now();
  const auto found = query.ok() ? store_.Find(query->model) : query.status();
  const ModelVersion* version = found.ok() ? found->get() : nullptr;
  absl::Status status = found.status();
  std::string_view method = query.ok() && query->task.has_value() ? MethodName(*query->task) : "";
  if (version != nullptr) {
    ModelRequest request(store_, *found, query->task.value_or(UsualTask(version->config)));
    method = MethodName(request.task);
    status = CheckCan(request.version, request.task);
    if (status.ok()) status = run(request);
    if (status.ok()) {
      statistics_.RecordPhases(version->model, version->version, request.read() - start,
                               absl::Now() - request.answered());
    }
  }
  status = WithField(std::move(status), fields);
  // The model's queue is full, or memory is: both pass.
  if (absl::IsResourceExhausted(status) && !LeavesNoRoom(status))
    status = WithRetryDelay(std::move(status), kRetry);
  statistics_.Record(version != nullptr ? version->model : "", version != nullptr ? version->version : 0,
                     method, status.code(), absl::Now() - start);
  return status;
}

absl::StatusOr<ModelRequest> ModelRequests::Find(const absl::StatusOr<ModelQuery>& query) {
  MAE_RETURN_IF_ERROR(query.status());
  MAE_ASSIGN_OR_RETURN(const auto found, store_.Find(query->model));
  const InferenceTask task = query->task.value_or(UsualTask(found->config));
  MAE_RETURN_IF_ERROR(CheckCan(*found, task));
  return ModelRequest(store_, found, task);
}

absl::Status ModelRequests::CheckCan(const ModelVersion& version, InferenceTask task) const {
  if (CanDo(version.config, task)) return absl::OkStatus();
  MAE_ASSIGN_OR_RETURN(const auto records, store_.List());
  std::vector<std::string> others;
  for (const auto& record : records) {
    if (CanDo(record.versions.front().config, task)) others.push_back(absl::StrCat("models/", record.model));
  }
  // Every model embeds.
  const bool paints = task == InferenceTask::kReconstruct;
  return absl::FailedPreconditionError(absl::StrCat(
      "model: ", version.resource_name(), " is a ", version.config.kind_name(), " without a ",
      paints ? "decoder" : "classification head", ", which can't ", std::string(MethodName(task)), "; ",
      others.empty() ? "no published model can yet" : "these can: " + absl::StrJoin(others, ", "),
      "; import-model takes weights that have one, and ", paints ? "pretraining" : "fine-tuning",
      " makes one"));
}

}  // namespace mae
