#include "server/oip_model_name.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "server/field_status.h"
#include "server/status_to_grpc.h"
#include "serving/model_name.h"

namespace mae {
namespace {

constexpr std::string_view kModels = "models/", kVersions = "/versions/";

absl::StatusOr<InferenceTask> ReadTask(const std::string& field, std::string_view task) {
  if (task == "classify") return InferenceTask::kClassify;
  if (task == "embed") return InferenceTask::kEmbed;
  if (task == "reconstruct") return InferenceTask::kReconstruct;
  return InvalidField(field, "after the / of a name comes classify, embed, reconstruct or versions/N");
}

bool IsNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// How versions and aliases stand in a resource name.
absl::StatusOr<std::string> VersionSuffix(const std::string& field, std::string_view version) {
  if (!IsNumber(version)) {
    MAE_RETURN_IF_ERROR(CheckName(field, version));
    return absl::StrCat("@", std::string(version));
  }
  int64_t number = 0;
  if (!absl::SimpleAtoi(std::string(version), &number) || number < 1) {
    return InvalidField(field, "a version is a number from 1 up, an alias, or empty for the latest");
  }
  return absl::StrCat("/versions/", number);
}

}  // namespace

bool NamesVersion(std::string_view name, std::string_view version) {
  return !version.empty() || name.find('@') != std::string_view::npos ||
         name.find(kVersions) != std::string_view::npos;
}

absl::StatusOr<ModelQuery> ReadModelName(const std::string& prefix, std::string_view name,
                                         std::string_view version) {
  ModelQuery query;
  const std::string name_field = prefix + "name", version_field = prefix + "version";
  if (name.starts_with(kModels)) name.remove_prefix(kModels.size());
  // The last part is a task unless it is the number of a version.
  if (const auto slash = name.rfind('/');
      slash != std::string_view::npos && !name.substr(0, slash + 1).ends_with(kVersions)) {
    MAE_ASSIGN_OR_RETURN(query.task, ReadTask(name_field, name.substr(slash + 1)));
    name = name.substr(0, slash);
  }
  const auto reference = ParseModelName(name);
  if (!reference.ok()) return WithField(reference.status(), {{"model", name_field}});
  query.model = absl::StrCat("models/", reference->model);
  std::string named;
  if (reference->version != 0) named = absl::StrCat("/versions/", reference->version);
  if (!reference->alias.empty()) named = absl::StrCat("@", reference->alias);
  std::string asked;
  if (!version.empty()) {
    MAE_ASSIGN_OR_RETURN(asked, VersionSuffix(version_field, version));
  }
  if (!named.empty() && !asked.empty() && named != asked) {
    return InvalidField(version_field, absl::StrCat("\"", std::string(version), "\" is not what ", name_field,
                                                    " says, which has a version or alias in it (", named,
                                                    "): give one of the two"));
  }
  absl::StrAppend(&query.model, named.empty() ? asked : named);
  return query;
}

}  // namespace mae
