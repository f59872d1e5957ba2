#include "tests/layout/function_lengths.h"

#include <algorithm>
#include <cctype>
#include <regex>

namespace mae {
namespace {

// Overwrites [begin, end) with spaces, keeping the lines.
void Blank(std::string& text, size_t begin, size_t end) {
  for (size_t i = begin; i < std::min(end, text.size()); ++i) {
    if (text[i] != '\n') text[i] = ' ';
  }
}

size_t EndOfQuoted(const std::string& text, size_t begin) {
  const char quote = text[begin];
  size_t i = begin + 1;
  while (i < text.size() && text[i] != quote) i += text[i] == '\\' ? 2 : 1;
  return i + 1;
}

size_t EndOfRawString(const std::string& text, size_t quote) {
  const size_t open = text.find('(', quote);
  if (open == std::string::npos) return text.size();
  const std::string close = ")" + text.substr(quote + 1, open - quote - 1) + "\"";
  const size_t found = text.find(close, open);
  return found == std::string::npos ? text.size() : found + close.size();
}

size_t EndOfPreprocessorLine(const std::string& text, size_t begin) {
  size_t end = text.find('\n', begin);
  while (end != std::string::npos && text[end - 1] == '\\') end = text.find('\n', end + 1);
  return std::min(end, text.size());
}

bool IsFirstOnLine(const std::string& text, size_t at) {
  const size_t before = text.find_last_not_of(" \t", at == 0 ? 0 : at - 1);
  return at == 0 || before == std::string::npos || text[before] == '\n';
}

bool IsWordCharacter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Where what begins here and is no code ends; `i` itself if it is code.
size_t EndOfNonCode(const std::string& text, size_t i) {
  if (text.compare(i, 2, "//") == 0) return std::min(text.find('\n', i), text.size());
  if (text.compare(i, 2, "/*") == 0) return std::min(text.find("*/", i), text.size() - 2) + 2;
  if (text[i] == '"') return i > 0 && text[i - 1] == 'R' ? EndOfRawString(text, i) : EndOfQuoted(text, i);
  const bool is_digit_separator = i > 0 && IsWordCharacter(text[i - 1]);
  if (text[i] == '\'' && !is_digit_separator) return EndOfQuoted(text, i);
  if (text[i] == '#' && IsFirstOnLine(text, i)) return EndOfPreprocessorLine(text, i);
  return i;
}

// Comments, literals and preprocessor lines as spaces, and "public:" ended as a statement is.
std::string CodeOnly(std::string_view source) {
  std::string text(source);
  for (size_t i = 0; i < text.size();) {
    const size_t end = EndOfNonCode(text, i);
    if (end > i) Blank(text, i, end);
    i = std::max(end, i + 1);
  }
  static const std::regex access(R"(\b(public|protected|private):)");
  return std::regex_replace(text, access, "$1;");
}

// Whether a brace behind these words, outside any function, opens a function's body.
bool OpensFunction(const std::string& words) {
  static const std::regex scope(
      R"(^\s*(template\s*<[^;{]*>\s*)?(inline\s+)?(namespace|class|struct|union|enum|extern)\b)");
  static const std::regex initializer(R"([=,]\s*$)");
  return words.find('(') != std::string::npos && !std::regex_search(words, scope) &&
         !std::regex_search(words, initializer);
}

std::string NameOf(const std::string& words) {
  std::string name = words.substr(0, words.find('('));
  name = std::regex_replace(name, std::regex(R"(\s+)"), " ");
  const size_t begin = name.find_first_not_of(' ');
  const size_t end = name.find_last_not_of(' ');
  return begin == std::string::npos ? "" : name.substr(begin, end - begin + 1);
}

size_t ClosingBrace(const std::string& code, size_t open) {
  int depth = 0;
  for (size_t i = open; i < code.size(); ++i) {
    if (code[i] == '{') ++depth;
    if (code[i] == '}' && --depth == 0) return i;
  }
  return code.size();
}

int LineOf(const std::string& code, size_t at) {
  return 1 + static_cast<int>(std::count(code.begin(), code.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

// A member initializer's braces, "member_{value}," or "member_{value} {", stand before the body.
bool IsMemberInitializer(const std::string& code, size_t open, const std::string& words) {
  if (words.find(':') == std::string::npos || open == 0 || !IsWordCharacter(code[open - 1])) return false;
  const size_t next = code.find_first_not_of(" \n", ClosingBrace(code, open) + 1);
  return next != std::string::npos && (code[next] == ',' || code[next] == '{');
}

}  // namespace

std::vector<FunctionLength> MeasureFunctions(std::string_view text) {
  const std::string code = CodeOnly(text);
  std::vector<FunctionLength> functions;
  size_t statement = 0;  // where the words before the next brace begin
  for (size_t i = 0; i < code.size(); ++i) {
    if (code[i] == ';' || code[i] == '}') statement = i + 1;
    if (code[i] != '{') continue;
    const std::string words = code.substr(statement, i - statement);
    if (IsMemberInitializer(code, i, words)) {
      i = ClosingBrace(code, i);
      continue;
    }
    if (OpensFunction(words)) {
      const size_t begin = code.find_first_not_of(" \n", statement);
      const size_t end = std::min(ClosingBrace(code, i), code.size() - 1);
      functions.push_back({NameOf(words), LineOf(code, begin), LineOf(code, end) - LineOf(code, begin) + 1});
      i = end;
    }
    statement = i + 1;
  }
  return functions;
}

}  // namespace mae
