#include "server/status_to_grpc.h"

#include <nlohmann/json.hpp>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"

namespace mae {
namespace {

constexpr absl::string_view kTypePrefix = "type.googleapis.com/";
constexpr absl::string_view kDetailPrefix = "type.googleapis.com/google.rpc.";

// Together they fit into a call's trailers, for which clients have 8 KiB: the message goes twice, and details
// go in base64.
constexpr size_t kMaxMessageBytes = 1536;
constexpr size_t kMaxDetailBytes = 2560;

// Cut, and valid UTF-8, which a protobuf string must be.
std::string Presentable(absl::string_view text) {
  using nlohmann::json;
  const bool whole = text.size() <= kMaxMessageBytes;
  const json cut = absl::StrCat(text.substr(0, kMaxMessageBytes), whole ? "" : "…");
  return json::parse(cut.dump(-1, ' ', false, json::error_handler_t::replace)).get<std::string>();
}

template <typename Detail>
std::string TypeUrl() {
  return absl::StrCat(kTypePrefix, Detail::descriptor()->full_name());
}

template <typename Detail>
void SetDetail(const Detail& detail, absl::Status& status) {
  status.SetPayload(TypeUrl<Detail>(), absl::Cord(detail.SerializeAsString()));
}

template <typename Detail>
Detail GetDetail(const absl::Status& status) {
  Detail detail;
  const auto payload = status.GetPayload(TypeUrl<Detail>());
  if (payload && !detail.ParseFromString(std::string(*payload))) detail.Clear();
  return detail;
}

}  // namespace

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status message;
  message.set_code(static_cast<int>(status.code()));
  message.set_message(Presentable(status.message()));
  status.ForEachPayload([&](absl::string_view type_url, const absl::Cord& payload) {
    if (!absl::StartsWith(type_url, kDetailPrefix)) return;
    google::protobuf::Any& detail = *message.add_details();
    detail.set_type_url(std::string(type_url));
    detail.set_value(std::string(payload));
  });
  return message;
}

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const google::rpc::Status message = ToRpcStatus(status);
  return {static_cast<grpc::StatusCode>(message.code()), message.message(),
          message.details().empty() ? std::string() : message.SerializeAsString()};
}

absl::Status WithFieldViolations(absl::Status status, const std::vector<FieldViolation>& violations) {
  auto detail = GetDetail<google::rpc::BadRequest>(status);
  for (const FieldViolation& violation : violations) {
    auto& added = *detail.add_field_violations();
    added.set_field(Presentable(violation.field));
    added.set_description(Presentable(violation.description));
    if (detail.ByteSizeLong() <= kMaxDetailBytes) continue;
    if (detail.field_violations_size() > 1) detail.mutable_field_violations()->RemoveLast();
    break;
  }
  SetDetail(detail, status);
  return status;
}

absl::Status InvalidField(const std::string& field, const std::string& description) {
  return WithFieldViolations(absl::InvalidArgumentError(absl::StrCat(field, ": ", description)),
                             {{field, description}});
}

absl::Status WithMessage(const absl::Status& status, absl::string_view message) {
  absl::Status other(status.code(), message);
  status.ForEachPayload(
      [&](absl::string_view type_url, const absl::Cord& payload) { other.SetPayload(type_url, payload); });
  return other;
}

absl::Status WithRetryDelay(absl::Status status, absl::Duration delay) {
  google::rpc::RetryInfo detail;
  detail.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(delay));
  detail.mutable_retry_delay()->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(delay - absl::Seconds(absl::ToInt64Seconds(delay)))));
  SetDetail(detail, status);
  return status;
}

}  // namespace mae
