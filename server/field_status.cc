#include "server/field_status.h"

#include <algorithm>

#include "server/status_to_grpc.h"

namespace mae {
namespace {

bool HasFieldViolations(const absl::Status& status) {
  return status.GetPayload("type.googleapis.com/google.rpc.BadRequest").has_value();
}

// `names` has what the field before an index is called.
std::string Renamed(std::string field, const std::map<std::string, std::string>& names) {
  const auto end = std::min(field.find('['), field.size());
  if (const auto it = names.find(field.substr(0, end)); it != names.end()) field.replace(0, end, it->second);
  return field;
}

}  // namespace

absl::Status WithField(absl::Status status, const std::map<std::string, std::string>& names) {
  if (status.ok() || HasFieldViolations(status)) return status;
  const std::string message(status.message());
  const auto colon = message.find(": ");
  const std::string field = message.substr(0, colon);
  if (colon == std::string::npos ||
      field.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.[]") != std::string::npos) {
    return status;
  }
  const std::string name = Renamed(field, names), what = message.substr(colon + 2);
  if (status.code() == absl::StatusCode::kInvalidArgument) return InvalidField(name, what);
  return name == field ? status : WithMessage(status, name + ": " + what);
}

}  // namespace mae
