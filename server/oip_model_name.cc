#include "server/oip_model_name.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "server/status_to_grpc.h"
#include "serving/model_name.h"

namespace mae {
namespace {

absl::StatusOr<InferenceTask> ReadTask(const std::string& field, std::string_view task) {
  if (task == "classify") return InferenceTask::kClassify;
  if (task == "embed") return InferenceTask::kEmbed;
  if (task == "reconstruct") return InferenceTask::kReconstruct;
  return InvalidField(field, "after the / of a name comes classify, embed or reconstruct");
}

bool IsNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

absl::StatusOr<ModelQuery> ReadModelName(const std::string& prefix, std::string_view name,
                                         std::string_view version) {
  ModelQuery query;
  const std::string name_field = prefix + "name", version_field = prefix + "version";
  if (const auto slash = name.find('/'); slash != std::string_view::npos) {
    MAE_ASSIGN_OR_RETURN(query.task, ReadTask(name_field, name.substr(slash + 1)));
    name = name.substr(0, slash);
  }
  MAE_RETURN_IF_ERROR(CheckName(name_field, name));
  query.model = absl::StrCat("models/", std::string(name));
  if (version.empty()) return query;
  if (!IsNumber(version)) {
    MAE_RETURN_IF_ERROR(CheckName(version_field, version));
    absl::StrAppend(&query.model, "@", std::string(version));
    return query;
  }
  int64_t number = 0;
  if (!absl::SimpleAtoi(std::string(version), &number) || number < 1) {
    return InvalidField(version_field, "a version is a number from 1 up, an alias, or empty for the latest");
  }
  absl::StrAppend(&query.model, "/versions/", number);
  return query;
}

}  // namespace mae
