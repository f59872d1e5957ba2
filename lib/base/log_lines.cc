#include "base/log_lines.h"

#include <spdlog/formatter.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "absl/time/time.h"

namespace mae {
namespace {

LogFields& FieldsOfThread() {
  thread_local LogFields fields;
  return fields;
}

class JsonFormatter final : public spdlog::formatter {
 public:
  JsonFormatter(std::string program, LogFields fields)
      : program_(std::move(program)), fields_(std::move(fields)) {}

  void format(const spdlog::details::log_msg& line, spdlog::memory_buf_t& out) override {
    nlohmann::ordered_json json;
    json["time"] = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromChrono(line.time), absl::UTCTimeZone());
    const auto level = spdlog::level::to_string_view(line.level);
    json["level"] = std::string(level.data(), level.size());
    json["program"] = program_;
    json["message"] = std::string(line.payload.data(), line.payload.size());
    for (const auto& [name, value] : fields_) json[name] = value;
    for (const auto& [name, value] : FieldsOfThread()) json[name] = value;
    const std::string text =
        json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    out.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>(program_, fields_);
  }

 private:
  const std::string program_;
  const LogFields fields_;
};

}  // namespace

LogScope::LogScope(std::initializer_list<LogFields::value_type> fields) : outer_(FieldsOfThread().size()) {
  FieldsOfThread().insert(FieldsOfThread().end(), fields);
}

LogScope::~LogScope() { FieldsOfThread().resize(outer_); }

std::string LogLineText(const std::string& line) {
  const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  const auto message = json.is_object() ? json.find("message") : json.end();
  return message != json.end() && message->is_string() ? message->get<std::string>() : line;
}

std::unique_ptr<spdlog::formatter> MakeJsonLogFormatter(std::string_view program, LogFields fields) {
  return std::make_unique<JsonFormatter>(std::string(program), std::move(fields));
}

}  // namespace mae
