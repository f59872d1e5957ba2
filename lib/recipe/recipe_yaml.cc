#include "recipe/recipe_yaml.h"

#include <google/protobuf/descriptor.h>
#include <yaml-cpp/yaml.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "recipe/yaml_documents.h"
#include "recipe/yaml_message.h"

namespace mae {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Runs what may throw an exception of yaml-cpp.
template <typename Read>
absl::Status CatchYaml(Read read) {
  try {
    return read();
  } catch (const YAML::Exception& error) {
    const auto line = error.mark.is_null() ? "" : absl::StrCat("line ", error.mark.line + 1, ": ");
    return absl::InvalidArgumentError(absl::StrCat(line, "not YAML: ", error.msg));
  }
}

absl::Status ReadDocument(const std::string& yaml, v1::JobSpec& spec) {
  if (HasSeveralDocuments(yaml))
    return absl::InvalidArgumentError("the file holds several YAML documents (---); a recipe is one");
  const YAML::Node document = YAML::Load(yaml);
  if (document.IsNull())
    return absl::InvalidArgumentError("the recipe is empty; it needs pretrain or finetune");
  return SetMessage(document, RecipePlace(), spec);
}

// Sets, or for an empty value clears, the field that the keys lead to.
absl::Status SetPath(const std::vector<std::string>& keys, const YAML::Node& value, Message& message) {
  RecipePlace place{"", /*has_lines=*/false};
  Message* inner = &message;
  for (size_t i = 0;; ++i) {
    const auto* field = inner->GetDescriptor()->FindFieldByName(keys[i]);
    place = place.Inside(keys[i]);
    if (field == nullptr) return place.Refuse(value, UnknownKeyText(keys[i], inner->GetDescriptor()));
    MAE_RETURN_IF_ERROR(CheckOneof(value, place, field, *inner));
    const auto* reflection = inner->GetReflection();
    if (i + 1 == keys.size()) {
      if (!value.IsNull()) return SetField(value, place, field, *inner);
      reflection->ClearField(inner, field);
      return absl::OkStatus();
    }
    if (field->is_repeated() || field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE)
      return place.Refuse(value, absl::StrCat("has no field ", keys[i + 1], " inside; set it whole"));
    inner = reflection->MutableMessage(inner, field);
  }
}

}  // namespace

absl::StatusOr<v1::JobSpec> ParseRecipe(const std::string& yaml) {
  v1::JobSpec spec;
  MAE_RETURN_IF_ERROR(CatchYaml([&] { return ReadDocument(yaml, spec); }));
  return spec;
}

absl::Status ApplyOverride(const std::string& assignment, v1::JobSpec& spec) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0)
    return absl::InvalidArgumentError(
        absl::StrCat("\"", assignment, "\" is not path.to.field=value, as data.batch_size=64"));
  const std::vector<std::string> keys = absl::StrSplit(assignment.substr(0, equals), '.');
  v1::JobSpec changed = spec;
  const auto status =
      CatchYaml([&] { return SetPath(keys, YAML::Load(assignment.substr(equals + 1)), changed); });
  if (status.ok()) spec = std::move(changed);
  return status;
}

std::string RecipeToYaml(const v1::JobSpec& spec) {
  YAML::Emitter out;
  EmitMessage(spec, out);
  return absl::StrCat(out.c_str(), "\n");
}

}  // namespace mae
