#include "recipe/recipe_json.h"

#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "recipe/recipe_proto.h"

namespace mae {
namespace {

using google::protobuf::util::JsonPrintOptions;
using google::protobuf::util::JsonStringToMessage;
using google::protobuf::util::MessageToJsonString;
using nlohmann::json;

absl::Status Refused(const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("spec.json: ", what));
}

absl::StatusOr<std::string> TextOf(const json& file, const char* key) {
  const auto found = file.find(key);
  if (found == file.end()) return Refused(absl::StrCat(key, " is missing"));
  if (!found->is_string()) return Refused(absl::StrCat(key, " must be a string, not ", found->dump()));
  return found->get<std::string>();
}

absl::StatusOr<v1::JobSpec> SpecOf(const json& file) {
  const auto found = file.find("spec");
  if (found == file.end() || !found->is_object()) return Refused("spec must be an object");
  v1::JobSpec spec;
  const auto status = JsonStringToMessage(found->dump(), &spec);
  if (!status.ok()) return Refused(absl::StrCat("spec: ", std::string(status.message())));
  return spec;
}

absl::Status CheckKeys(const json& file) {
  for (const auto& [key, value] : file.items()) {
    if (key != "spec" && key != "dataset_format" && key != "dataset_path" && key != "from_weights" &&
        key != "recipe")
      return Refused(absl::StrCat("unknown key ", key, "; a newer version may have written the file"));
  }
  return absl::OkStatus();
}

}  // namespace

std::string JobOptionsToJson(const JobOptions& options) {
  JsonPrintOptions print;
  print.preserve_proto_field_names = true;
  print.always_print_primitive_fields = true;
  std::string spec;
  // Fails only for google.protobuf.Any of an unknown type, which JobSpec has none of.
  (void)MessageToJsonString(SpecFromOptions(options), &spec, print);
  const json file = {{"spec", json::parse(spec)},
                     {"dataset_format", options.data.format},
                     {"dataset_path", options.data.path},
                     {"from_weights", options.from_weights()},
                     {"recipe", options.recipe}};
  // A path of bytes that are no UTF-8 must not throw here; opening it fails later, under its own name.
  return file.dump(2, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace) + "\n";
}

absl::StatusOr<JobOptions> JobOptionsFromJson(const std::string& text) {
  const json file = json::parse(text, /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (!file.is_object()) return Refused("not a JSON object; the file is damaged or no job's");
  MAE_RETURN_IF_ERROR(CheckKeys(file));
  MAE_ASSIGN_OR_RETURN(const v1::JobSpec spec, SpecOf(file));
  auto options = OptionsFromSpec(spec);
  if (!options.ok()) return Refused(absl::StrCat("spec: ", std::string(options.status().message())));
  MAE_ASSIGN_OR_RETURN(options->data.format, TextOf(file, "dataset_format"));
  MAE_ASSIGN_OR_RETURN(options->data.path, TextOf(file, "dataset_path"));
  MAE_ASSIGN_OR_RETURN(options->recipe, TextOf(file, "recipe"));
  MAE_ASSIGN_OR_RETURN(const std::string from_weights, TextOf(file, "from_weights"));
  options->set_from_weights(from_weights);
  return options;
}

}  // namespace mae
