#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mae {

/// A function definition: where it begins and how many lines it has, from its first word to its closing
/// brace.
struct FunctionLength {
  std::string name;  ///< the words before its parameters
  int line = 0;
  int lines = 0;
};

/// The function definitions of C++ text, in order. An approximate scanner: it knows comments, literals,
/// preprocessor lines and braces, and takes a brace behind a parameter list, outside any function, for a
/// body; lambdas and local classes count as part of their function.
std::vector<FunctionLength> MeasureFunctions(std::string_view text);

}  // namespace mae
