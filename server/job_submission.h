#pragma once

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "mae/v1/job.pb.h"
#include "server/dataset_store.h"
#include "server/job_record.h"
#include "serving/model_store.h"

namespace mae {

/// A request that can run, whole.
struct JobSubmission {
  v1::JobSpec spec;       ///< resolved
  std::string spec_json;  ///< the content of spec.json
  JobRecord record;       ///< kind, recipe, model, spec and request filled in; no id yet
};

/// Kind, recipe, request_id and the request's hash: what can be said of a request before its spec is
/// resolved. INVALID_ARGUMENT for a request_id or recipe that is too long.
absl::StatusOr<JobRecord> RecordOfRequest(const v1::CreateJobRequest& request);

/// Resolves what the spec names and every default. Blocks on the disk. Thread-safe.
/// NOT_FOUND for an unknown dataset or model, INVALID_ARGUMENT with BadRequest details for the fields at
/// fault (their paths begin with "spec."), FAILED_PRECONDITION for a device or launcher that this machine
/// lacks.
absl::StatusOr<JobSubmission> ResolveSubmission(const v1::CreateJobRequest& request,
                                                const DatasetStore& datasets, const ModelStore& models);

/// The same for a job that is there, on other resources: those in place of all that its spec has. The paths
/// of fields at fault are of ResumeJobRequest ("resources.processes"), or of the job's spec where what that
/// names has gone.
absl::StatusOr<JobSubmission> ResolveResources(const JobRecord& record, const v1::ResourceSpec& resources,
                                               const DatasetStore& datasets, const ModelStore& models);

/// Whether what a job's spec.json calls its dataset is there. Not if the data folder has moved since; the
/// dataset may be found by its name then. What can't be read is left to the trainer, which says why.
bool DatasetIsWhereItWas(const std::filesystem::path& spec_json);

}  // namespace mae
