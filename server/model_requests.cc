#include "server/model_requests.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "server/field_status.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

constexpr absl::Duration kRetry = absl::Seconds(1);

}  // namespace

RequestContext ContextOf(const grpc::CallbackServerContext& context) {
  return {.deadline = absl::FromChrono(context.deadline()),
          .is_cancelled = [&context] { return context.IsCancelled(); }};
}

absl::StatusOr<LoadedModel> ModelRequest::Load(const RequestContext& context) {
  if (context.is_cancelled && context.is_cancelled()) return absl::CancelledError("the caller has gone");
  return store_.Acquire(version.resource_name());
}

absl::Status ModelRequests::Serve(const absl::StatusOr<ModelQuery>& query, const FieldNames& fields,
                                  const std::function<absl::Status(ModelRequest&)>& run) {
  const auto start = absl::Now();
  const auto version = query.ok() ? store_.Resolve(query->model) : query.status();
  absl::Status status = version.status();
  std::string_view method = query.ok() && query->task.has_value() ? MethodName(*query->task) : "";
  if (version.ok()) {
    ModelRequest request(store_, *version, query->task.value_or(UsualTask(version->config)));
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
  if (absl::IsResourceExhausted(status)) status = WithRetryDelay(std::move(status), kRetry);
  statistics_.Record(version.ok() ? version->model : "", version.ok() ? version->version : 0, method,
                     status.code(), absl::Now() - start);
  return status;
}

absl::StatusOr<ModelRequest> ModelRequests::Find(const absl::StatusOr<ModelQuery>& query) {
  MAE_RETURN_IF_ERROR(query.status());
  MAE_ASSIGN_OR_RETURN(const auto version, store_.Resolve(query->model));
  const InferenceTask task = query->task.value_or(UsualTask(version.config));
  MAE_RETURN_IF_ERROR(CheckCan(version, task));
  return ModelRequest(store_, version, task);
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
