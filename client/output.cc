#include "client/output.h"

#include <google/protobuf/util/json_util.h>
#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"

namespace mae {
namespace {

absl::StatusOr<std::string> Json(const google::protobuf::Message& message, bool indented) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = indented;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) return absl::InternalError(absl::StrCat("no JSON for this answer: ", status.ToString()));
  if (json.empty() || json.back() != '\n') json += '\n';
  return json;
}

/// Whether a YAML reader would take the plain scalar for something else than this text.
bool NeedsQuotes(const std::string& text) {
  static constexpr const char* kWords[] = {"true", "false", "yes", "no", "on", "off", "null", "~", ""};
  for (const char* word : kWords) {
    if (strcasecmp(text.c_str(), word) == 0) return true;
  }
  char* end = nullptr;
  std::strtod(text.c_str(), &end);
  return *end == '\0';
}

void EmitString(YAML::Emitter& out, const std::string& text) {
  if (NeedsQuotes(text)) out << YAML::DoubleQuoted;
  out << text;
}

void Emit(YAML::Emitter& out, const nlohmann::ordered_json& value) {
  if (value.is_object()) {
    out << YAML::BeginMap;
    for (const auto& [key, child] : value.items()) {
      out << YAML::Key;
      EmitString(out, key);
      out << YAML::Value;
      Emit(out, child);
    }
    out << YAML::EndMap;
  } else if (value.is_array()) {
    const bool flat = value.empty() || value[0].is_number() || value[0].is_boolean();
    out << (flat ? YAML::Flow : YAML::Block) << YAML::BeginSeq;
    for (const auto& child : value) Emit(out, child);
    out << YAML::EndSeq;
  } else if (value.is_string()) {
    EmitString(out, value.get<std::string>());
  } else if (value.is_null()) {
    out << YAML::Null;
  } else {
    out << value.dump();
  }
}

}  // namespace

absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message) { return Json(message, true); }

absl::StatusOr<std::string> ToJsonLine(const google::protobuf::Message& message) {
  return Json(message, false);
}

absl::StatusOr<std::string> JsonToYaml(const std::string& json) {
  const auto value = nlohmann::ordered_json::parse(json, nullptr, false);
  if (value.is_discarded()) return absl::InternalError("not JSON: " + json);
  YAML::Emitter out;
  Emit(out, value);
  return absl::StrCat(out.c_str(), "\n");
}

std::string JsonRows(const std::vector<std::string>& rows) {
  if (rows.empty()) return "[]\n";
  return absl::StrCat("[\n", absl::StrJoin(rows, ",\n"), "\n]\n");
}

absl::Status WriteJson(OutputFormat format, const std::string& json) {
  if (format == OutputFormat::kJson) {
    WriteStdout(json);
    return absl::OkStatus();
  }
  MAE_ASSIGN_OR_RETURN(const std::string yaml, JsonToYaml(json));
  WriteStdout(yaml);
  return absl::OkStatus();
}

absl::Status WriteMessage(OutputFormat format, const google::protobuf::Message& message,
                          const std::function<std::string()>& table) {
  if (format == OutputFormat::kTable) {
    WriteStdout(table());
    return absl::OkStatus();
  }
  MAE_ASSIGN_OR_RETURN(const std::string json, ToJson(message));
  return WriteJson(format, json);
}

void WriteStdout(absl::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void WriteStderr(absl::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

absl::Status FlushStdout() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("stdout could not be written: ", std::strerror(errno)));
}

}  // namespace mae
