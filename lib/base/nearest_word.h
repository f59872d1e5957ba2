#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mae {

/// Of `candidates`, the one that `word` most likely meant: smallest edit distance (insert, delete, replace,
/// swap of neighbours each cost 1; case is ignored), the first of equals. Empty if more than a third of the
/// word (at least one letter, two from five letters on) would have to change. Pure; safe anywhere.
std::string NearestWord(std::string_view word, const std::vector<std::string>& candidates);

/// " (did you mean 'near'?)" for the end of an error message, or nothing if no candidate is near.
std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace mae
