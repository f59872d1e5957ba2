#include "server/field_status.h"

#include <algorithm>

#include "server/status_to_grpc.h"

namespace mae {
namespace {

bool HasFieldViolations(const absl::Status& status) {
  return status.GetPayload("type.googleapis.com/google.rpc.BadRequest").has_value();
}

}  // namespace

absl::Status WithField(absl::Status status, const std::map<std::string, std::string>& names) {
  if (status.code() != absl::StatusCode::kInvalidArgument || HasFieldViolations(status)) return status;
  const std::string message(status.message());
  const auto colon = message.find(": ");
  std::string field = message.substr(0, colon);
  if (colon == std::string::npos ||
      field.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.[]") != std::string::npos) {
    return status;
  }
  const auto end = std::min(field.find('['), field.size());
  if (const auto it = names.find(field.substr(0, end)); it != names.end()) field.replace(0, end, it->second);
  return InvalidField(field, message.substr(colon + 2));
}

}  // namespace mae
