#pragma once

#include <spdlog/formatter.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// How a program's log lines look: as text for people, or as a JSON object a line for programs.
namespace mae {

/// Fields of a line, in order: name and value.
using LogFields = std::vector<std::pair<std::string, std::string>>;

/// Gives fields to the lines that this thread logs while the object lives; those of an outer one stay. Only
/// lines in JSON show them: the text of a line must be understood without.
class LogScope {
 public:
  LogScope(std::initializer_list<LogFields::value_type> fields);
  ~LogScope();
  LogScope(const LogScope&) = delete;
  LogScope& operator=(const LogScope&) = delete;

 private:
  const size_t outer_;
};

/// What a line says, be it text or as MakeJsonLogFormatter writes it.
std::string LogLineText(const std::string& line);

/// {"time": "2026-01-31T23:59:59.123Z", "level": "info", "program": …, "message": …} and the fields; what is
/// no UTF-8 is replaced.
/// @param fields that every line has, of this process.
std::unique_ptr<spdlog::formatter> MakeJsonLogFormatter(std::string_view program, LogFields fields);

}  // namespace mae
