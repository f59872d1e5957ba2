#include "options/shallow_json.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "absl/strings/str_cat.h"

namespace mae {

nlohmann::json ParseShallowJson(const std::string& text) {
  using Event = nlohmann::json::parse_event_t;
  return nlohmann::json::parse(text, [](int depth, Event event, nlohmann::json&) {
    const bool opens = event == Event::object_start || event == Event::array_start;
    if (opens && depth >= kMaxJsonDepth) {
      throw std::invalid_argument(absl::StrCat("is nested deeper than ", kMaxJsonDepth, " levels"));
    }
    return true;
  });
}

}  // namespace mae
