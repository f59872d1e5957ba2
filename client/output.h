#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/global_options.h"

/// Data for stdout in the form that -o asks for. Fields have the names of the .proto files, 64-bit integers
/// are strings (protobuf's JSON mapping), fields with default values are written too, so that a script always
/// finds them.
namespace mae {

/// One message, indented, ending with a newline.
absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message);
/// On one line, with a newline.
absl::StatusOr<std::string> ToJsonLine(const google::protobuf::Message& message);

/// JSON text as YAML; strings that YAML would read as another type are quoted.
absl::StatusOr<std::string> JsonToYaml(const std::string& json);

/// Writes JSON text to stdout as `format` (json or yaml) asks.
absl::Status WriteJson(OutputFormat format, const std::string& json);

/// JSON rows as one array, a row a line.
std::string JsonRows(const std::vector<std::string>& rows);

/// Writes a message to stdout: `table` makes the text of -o table.
absl::Status WriteMessage(OutputFormat format, const google::protobuf::Message& message,
                          const std::function<std::string()>& table);

void WriteStdout(absl::string_view text);
void WriteStderr(absl::string_view text);

/// INTERNAL if anything written to stdout was lost (disk full, pipe closed).
absl::Status FlushStdout();

}  // namespace mae
