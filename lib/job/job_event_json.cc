#include "job/job_event_json.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "absl/strings/str_cat.h"

namespace mae {
namespace {

using nlohmann::json;

json NumberToJson(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

double NumberFromJson(const json& value) {
  if (!value.is_string()) return value.get<double>();
  if (value == "nan") return std::numeric_limits<double>::quiet_NaN();
  return value == "-inf" ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
}

json ToJson(const StateEvent& event) {
  json out = {{"state", std::string(JobStateName(event.state))}};
  if (event.error.ok()) return out;
  out["code"] = static_cast<int>(event.error.code());
  out["message"] = std::string(event.error.message());
  return out;
}

json ToJson(const MetricsEvent& event) {
  json values = json::object();
  for (const auto& [name, value] : event.values) values[name] = NumberToJson(value);
  return {{"step", event.step},
          {"total_steps", event.total_steps},
          {"epoch", event.epoch},
          {"epochs", event.epochs},
          {"values", std::move(values)}};
}

json ToJson(const PictureEvent& event) {
  return {{"epoch", event.epoch}, {"caption", event.caption}, {"path", event.path}};
}

json ToJson(const CheckpointEvent& event) { return {{"step", event.step}, {"path", event.path}}; }

json ToJson(const LogEvent& event) { return {{"severity", event.severity}, {"text", event.text}}; }

json ToJson(const RestartEvent& event) { return {{"text", event.text}}; }

// nlohmann's own conversion takes 1e300 too, which no integer is.
int64_t WholeNumber(const json& in, const char* key) {
  const json& value = in.at(key);
  if (!value.is_number_integer()) throw std::invalid_argument(absl::StrCat(key, " is no whole number"));
  return value.get<int64_t>();
}

absl::StatusOr<JobEventBody> StateFromJson(const json& in) {
  absl::StatusOr<JobState> state = JobStateFromName(in.at("state").get<std::string>());
  // The file is at fault, not whoever asked for the job.
  if (!state.ok()) return absl::DataLossError(state.status().message());
  StateEvent event{*state, absl::OkStatus()};
  if (in.contains("code")) {
    event.error =
        absl::Status(static_cast<absl::StatusCode>(WholeNumber(in, "code")), in.value("message", ""));
  }
  return event;
}

JobEventBody MetricsFromJson(const json& in) {
  MetricsEvent event{
      WholeNumber(in, "step"), WholeNumber(in, "total_steps"), in.at("epoch"), WholeNumber(in, "epochs"), {}};
  for (const auto& [name, value] : in.at("values").items()) event.values[name] = NumberFromJson(value);
  return event;
}

absl::StatusOr<JobEventBody> FromJson(std::string_view kind, const json& in) {
  if (kind == "state") return StateFromJson(in);
  if (kind == "metrics") return MetricsFromJson(in);
  if (kind == "picture") return PictureEvent{WholeNumber(in, "epoch"), in.at("caption"), in.at("path")};
  if (kind == "checkpoint") return CheckpointEvent{WholeNumber(in, "step"), in.at("path")};
  if (kind == "log") return LogEvent{in.at("severity"), in.at("text")};
  if (kind == "restart") return RestartEvent{in.at("text")};
  return absl::DataLossError(absl::StrCat("unknown kind of event '", std::string(kind), "'"));
}

}  // namespace

std::string_view JobEventKind(const JobEventBody& event) {
  // In the order of the variant.
  constexpr std::string_view kKinds[] = {"state", "metrics", "picture", "checkpoint", "log", "restart"};
  return kKinds[event.index()];
}

std::string JobEventToJson(const JobEventBody& event) {
  return std::visit(
      [](const auto& body) { return ToJson(body).dump(-1, ' ', false, json::error_handler_t::replace); },
      event);
}

absl::StatusOr<JobEventBody> JobEventFromJson(std::string_view kind, const std::string& text) {
  try {
    return FromJson(kind, json::parse(text));
  } catch (const std::exception& error) {
    return absl::DataLossError(
        absl::StrCat("a ", std::string(kind), " event that can't be read: ", error.what()));
  }
}

}  // namespace mae
