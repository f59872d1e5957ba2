#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace mae {

/// JSON of a file that may come from anywhere, at most kMaxJsonDepth objects and lists inside each other:
/// nlohmann parses any depth, but copies and prints by recursion. Throws what nlohmann throws, and
/// std::invalid_argument where it is nested deeper. Safe from any thread.
nlohmann::json ParseShallowJson(const std::string& text);
inline constexpr int kMaxJsonDepth = 16;

}  // namespace mae
