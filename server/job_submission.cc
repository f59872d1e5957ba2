#include "server/job_submission.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/json_util.h>

#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "recipe/from_model.h"
#include "recipe/recipe_check.h"
#include "recipe/recipe_json.h"
#include "recipe/recipe_proto.h"
#include "runtime/device.h"
#include "server/job_place.h"
#include "server/job_to_proto.h"
#include "server/status_to_grpc.h"

namespace mae {
namespace {

constexpr absl::string_view kUuidExample = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
constexpr size_t kMaxRecipe = 256;
constexpr char kInCreate[] = "spec.";  // what the paths of a spec begin with in CreateJobRequest

// 8-4-4-4-12 hexadecimal digits (RFC 9562, section 4).
bool IsUuid(absl::string_view text) {
  if (text.size() != kUuidExample.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (kUuidExample[i] == '-' ? text[i] != '-' : !absl::ascii_isxdigit(static_cast<unsigned char>(text[i])))
      return false;
  }
  return true;
}

std::string HashOf(v1::CreateJobRequest request) {
  request.clear_request_id();
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream out(&bytes);
    google::protobuf::io::CodedOutputStream coded(&out);
    coded.SetSerializationDeterministic(true);
    request.SerializeToCodedStream(&coded);
  }
  return Sha256Hex(bytes);
}

absl::Status InvalidSpec(const std::string& prefix, std::vector<FieldViolation> violations) {
  const absl::Status status = ViolationsToStatus(violations);
  for (FieldViolation& violation : violations) violation.field = prefix + violation.field;
  return WithFieldViolations(status, violations);
}

// An error of what a field names, with that field as details.
absl::Status NamedBy(const std::string& field, const absl::Status& status) {
  return WithFieldViolations(status, {{field, std::string(status.message())}});
}

absl::StatusOr<std::optional<ModelVersion>> FindFromModel(const std::string& prefix, const v1::JobSpec& spec,
                                                          const ModelStore& models) {
  const std::string name = FromModelOf(spec);
  if (name.empty()) return std::optional<ModelVersion>();
  absl::StatusOr<ModelVersion> version = models.Resolve(name);
  if (!version.ok()) return NamedBy(prefix + FromModelField(spec), version.status());
  return std::optional<ModelVersion>(*std::move(version));
}

// What a job that leaves the precision open gets.
Precision PrecisionFor(const v1::JobSpec& spec) {
  const std::string& asked = spec.resources().device();
  const absl::StatusOr<std::string> device = ResolveDevice(asked.empty() ? "auto" : asked);
  return device.ok() && HasFastBf16(*device) ? Precision::kBf16 : Precision::kFp32;
}

absl::Status FillFromSpec(const DatasetInfo& dataset, const std::optional<ModelVersion>& from,
                          JobSubmission& submission) {
  MAE_ASSIGN_OR_RETURN(JobOptions options, OptionsFromSpec(submission.spec));
  options.data.format = dataset.format;
  options.data.path = dataset.path.string();
  options.recipe = submission.record.recipe;
  if (from) options.set_from_weights(from->folder.string());
  submission.spec_json = JobOptionsToJson(options);
  submission.record.kind = options.kind_name();
  submission.record.model = options.publish_model;
  const auto written = google::protobuf::util::MessageToJsonString(submission.spec, &submission.record.spec);
  return written.ok() ? absl::OkStatus() : absl::InternalError(std::string(written.message()));
}

// Fills in `submission`, which has a spec and a record with the request's part.
absl::Status Resolve(const std::string& prefix, const DatasetStore& datasets, const ModelStore& models,
                     JobSubmission& submission) {
  v1::JobSpec& spec = submission.spec;
  if (spec.data().dataset().empty()) {
    return InvalidField(prefix + "data.dataset", "is empty; name a dataset of list-datasets");
  }
  absl::StatusOr<DatasetInfo> dataset = datasets.Find(spec.data().dataset());
  if (!dataset.ok()) return NamedBy(prefix + "data.dataset", dataset.status());
  MAE_ASSIGN_OR_RETURN(const std::optional<ModelVersion> from, FindFromModel(prefix, spec, models));
  RecipeContext context{*dataset, std::nullopt, PrecisionFor(spec)};
  if (from) {
    context.from_model = from->config;
    // An alias may move while the job waits; the version that was meant stays.
    SetFromModel(from->resource_name(), spec);
  }
  std::vector<FieldViolation> violations = ResolveSpec(context, spec);
  if (!violations.empty()) return InvalidSpec(prefix, std::move(violations));
  MAE_RETURN_IF_ERROR(CheckPlace(spec.resources(), prefix));
  return FillFromSpec(*dataset, from, submission);
}

}  // namespace

absl::StatusOr<JobRecord> RecordOfRequest(const v1::CreateJobRequest& request) {
  if (!request.request_id().empty() && !IsUuid(request.request_id())) {
    return InvalidField(
        "request_id",
        absl::StrCat("'", absl::CHexEscape(request.request_id().substr(0, kUuidExample.size() * 2)),
                     "' is no UUID; give one as ", kUuidExample, ", or none"));
  }
  if (request.recipe().size() > kMaxRecipe) {
    return InvalidField("recipe", absl::StrCat("has ", request.recipe().size(), " bytes, at most ",
                                               kMaxRecipe, " are allowed; give the recipe's name"));
  }
  JobRecord record;
  record.recipe = request.recipe();
  record.request_id = request.request_id();
  record.request_hash = HashOf(request);
  return record;
}

absl::StatusOr<JobSubmission> ResolveSubmission(const v1::CreateJobRequest& request,
                                                const DatasetStore& datasets, const ModelStore& models) {
  JobSubmission submission;
  MAE_ASSIGN_OR_RETURN(submission.record, RecordOfRequest(request));
  submission.spec = request.spec();
  MAE_RETURN_IF_ERROR(Resolve(kInCreate, datasets, models, submission));
  return submission;
}

absl::StatusOr<JobSubmission> ResolveResources(const JobRecord& record, const v1::ResourceSpec& resources,
                                               const DatasetStore& datasets, const ModelStore& models) {
  JobSubmission submission;
  submission.record = record;
  submission.record.spec.clear();
  MAE_ASSIGN_OR_RETURN(submission.spec, SpecOf(record));
  *submission.spec.mutable_resources() = resources;
  MAE_RETURN_IF_ERROR(Resolve("", datasets, models, submission));
  return submission;
}

bool DatasetIsWhereItWas(const std::filesystem::path& spec_json) {
  const absl::StatusOr<std::string> text = ReadFile(spec_json);
  if (!text.ok()) return true;
  const absl::StatusOr<JobOptions> options = JobOptionsFromJson(*text);
  std::error_code ignored;
  return !options.ok() || std::filesystem::exists(options->data.path, ignored);
}

}  // namespace mae
