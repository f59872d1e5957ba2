#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>

#include "tests/layout/function_lengths.h"
#include "tests/layout/source_tree.h"

/// Holds the project against its own limits: sizes, names, and that CMake builds what is there.
namespace mae {
namespace {

using testing::ElementsAre;

constexpr int kMaxFunctionLines = 60;
constexpr int kMaxFileLines = 400;

const SourceTree& Project() {
  static const SourceTree tree = SourceTree::OfProject();
  return tree;
}

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

bool HasWord(const std::string& text, const std::string& word) {
  const std::string escaped = std::regex_replace(word, std::regex(R"(\.)"), R"(\.)");
  return std::regex_search(text, std::regex("(^|[\\s(/\"])" + escaped + "($|[\\s)\"])"));
}

TEST(Limits, FunctionsHaveAtMost60Lines) {
  for (const auto& [path, file] : Project().files()) {
    for (const FunctionLength& function : MeasureFunctions(file.text)) {
      EXPECT_LE(function.lines, kMaxFunctionLines) << path << ":" << function.line << ": " << function.name;
    }
  }
}

TEST(Limits, FilesHaveAtMost400Lines) {
  for (const auto& [path, file] : Project().files()) EXPECT_LE(CountLines(file.text), kMaxFileLines) << path;
}

// Nothing is about everything: such names collect what belongs elsewhere.
TEST(Limits, NoFileOrFolderHasANameThatSaysNothing) {
  const std::regex empty_word(R"((^|[/_])(utils?|helpers?|common|misc)([/_.]|$))");
  for (const auto& [path, file] : Project().files())
    EXPECT_FALSE(std::regex_search(path, empty_word)) << path;
}

// Nothing goes out: what is there wakes the server's own metrics port, so that it ends.
TEST(Limits, TheServerConnectsToNobody) {
  const std::regex call(R"(\b(connect|CreateChannel|CreateCustomChannel|mg_connect\w*|mg_download)\s*\()");
  std::vector<std::string> who;
  for (const auto& [path, file] : Project().files()) {
    if (path.starts_with("server/") && std::regex_search(file.text, call)) who.push_back(path);
  }
  EXPECT_THAT(who, ElementsAre("server/metrics_http.cc"));
}

TEST(Limits, EveryHeaderIsGuarded) {
  for (const auto& [path, file] : Project().files()) {
    if (!file.is_header()) continue;
    EXPECT_TRUE(file.text.starts_with("#pragma once\n")) << path;
  }
}

// A header that leans on what others include before it fails to compile in its own source file.
TEST(Limits, ASourceFileIncludesItsOwnHeaderFirst) {
  for (const auto& [path, file] : Project().files()) {
    if (file.is_header() || path.starts_with("tests/")) continue;
    const std::string header = path.substr(0, path.size() - 2) + "h";
    if (!Project().files().contains(header)) continue;
    ASSERT_FALSE(file.includes.empty()) << path;
    const SourceFile* first = Project().Find(file.includes.front().name);
    EXPECT_TRUE(first != nullptr && first->path == header) << path;
  }
}

// Fakes may be built into the test binaries that use them.
std::string CMakeListsThatMayName(const SourceFile& file) {
  const std::filesystem::path folder = std::filesystem::path(file.path).parent_path();
  std::string lists = ReadText(ProjectRoot() / folder / "CMakeLists.txt");
  if (folder != "tests/fakes") return lists;
  for (const auto& entry : std::filesystem::directory_iterator(ProjectRoot() / "tests")) {
    lists += ReadText(entry.path() / "CMakeLists.txt");
  }
  return lists;
}

TEST(Limits, CMakeBuildsEverySourceFile) {
  for (const auto& [path, file] : Project().files()) {
    if (file.is_header()) continue;
    const std::string name = std::filesystem::path(path).filename();
    EXPECT_TRUE(HasWord(CMakeListsThatMayName(file), name))
        << path << " is named in no CMakeLists.txt beside it";
  }
}

TEST(Limits, CMakeEntersEveryFolder) {
  for (const char* above : {"lib", "tests"}) {
    const std::string list = ReadText(ProjectRoot() / above / "CMakeLists.txt");
    for (const auto& entry : std::filesystem::directory_iterator(ProjectRoot() / above)) {
      if (!std::filesystem::exists(entry.path() / "CMakeLists.txt")) continue;
      EXPECT_TRUE(HasWord(list, entry.path().filename())) << entry.path() << " is not named in " << above;
    }
  }
}

// The scanner itself, on text whose functions are known.

MATCHER_P3(Function, name, line, lines, "") {
  *result_listener << arg.name << " at " << arg.line << " of " << arg.lines;
  return arg.name == name && arg.line == line && arg.lines == lines;
}

TEST(FunctionLengths, FindsDefinitionsAndNotDeclarationsOrScopes) {
  EXPECT_THAT(
      MeasureFunctions(
          "namespace mae {\nint Declared(int x);\nclass A {\n public:\n  A() : a_{1}, b_(2) {\n    x();\n"
          "  }\n  int Get() const { return a_; }\n  int a_ = 0, b_{3};\n};\n}  // namespace mae\n"),
      ElementsAre(Function("A", 5, 3), Function("int Get", 8, 1)));
}

TEST(FunctionLengths, CountsFromTheFirstWordToTheClosingBrace) {
  EXPECT_THAT(
      MeasureFunctions(
          "template <typename T>\nstatic T\nLong(int a,\n     int b) noexcept {\n  if (a) {\n  }\n  auto f = "
          "[] { return 1; };\n}\nvoid Next() {}\n"),
      ElementsAre(Function("template <typename T> static T Long", 1, 8), Function("void Next", 9, 1)));
}

TEST(FunctionLengths, IsNotMisledByLiteralsCommentsAndMacros) {
  EXPECT_THAT(
      MeasureFunctions(
          "#define OPEN(x) { \\\n  {\nconst char* a = \"f() {\"; // g() {\n/* h() { */ char c = '{';\n"
          "int big = 1'000; int table[] = {1, 2};\nconst char* raw = R\"x(k() {)x\";\nvoid Only() {\n}\n"),
      ElementsAre(Function("void Only", 7, 2)));
}

}  // namespace
}  // namespace mae
