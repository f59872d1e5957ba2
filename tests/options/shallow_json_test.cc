#include "options/shallow_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace mae {
namespace {

std::string Nested(size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

TEST(ShallowJson, IsParsedUpToSixteenLevels) {
  EXPECT_EQ(ParseShallowJson(R"({"a": [1, {"b": null}]})")["a"][0], 1);
  EXPECT_NO_THROW(ParseShallowJson(Nested(16)));
  EXPECT_THROW(ParseShallowJson(Nested(17)), std::invalid_argument);
  EXPECT_THROW(ParseShallowJson(R"({"a": )" + Nested(4'000'000) + "}"), std::invalid_argument);
  EXPECT_THROW(ParseShallowJson("{"), nlohmann::json::exception);
}

}  // namespace
}  // namespace mae
