#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

/// What options of the command line take, said in words: CLI11's own checks speak of numbers behind names and
/// of the largest double; and an option that several verbs have. Pure.
namespace mae {

/// For ->check: a whole number from 1.
inline CLI::Validator OneOrMore() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        int64_t number = 0;
        if (absl::SimpleAtoi(text, &number) && number >= 1) return "";
        return absl::StrCat("'", text, "' is not a number of 1 or more");
      },
      "");
}

/// --keep-going of the verbs that read pictures.
inline void AddKeepGoing(CLI::App* verb, bool& keep_going) {
  verb->add_flag("--keep-going", keep_going,
                 "Tell pictures that can't be used on stderr, leave them out and go on; the exit status is 1 "
                 "then");
}

/// For ->transform: one of the names, of which the option gets the value. A name may have _ for -, as fields
/// of the API have.
/// @param Value an enum.
template <typename Value>
CLI::Validator OneOfNames(std::map<std::string, Value> values) {
  return CLI::Validator(
      [values = std::move(values)](std::string& text) -> std::string {
        const auto found = values.find(absl::StrReplaceAll(text, {{"_", "-"}}));
        if (found != values.end()) {
          text = absl::StrCat(static_cast<int>(found->second));
          return "";
        }
        std::vector<std::string> names;
        for (const auto& [name, value] : values) names.push_back(name);
        return absl::StrCat("'", text, "' is none of ", absl::StrJoin(names, ", "));
      },
      "");
}

}  // namespace mae
