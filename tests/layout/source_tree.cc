#include "tests/layout/source_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

namespace mae {
namespace {

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

bool IsSource(const std::filesystem::path& path) {
  return path.extension() == ".h" || path.extension() == ".cc";
}

}  // namespace

std::string SourceFile::folder() const {
  const std::string below = path.starts_with("lib/") ? path.substr(4) : path;
  return below.substr(0, below.find('/'));
}

std::vector<Include> ParseIncludes(std::string_view text) {
  static const std::regex line_form(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"].*)");
  std::vector<Include> includes;
  std::istringstream lines{std::string(text)};
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::smatch match;
    if (std::regex_match(line, match, line_form)) includes.push_back({match[1], number});
  }
  return includes;
}

int CountLines(std::string_view text) {
  const auto newlines = std::count(text.begin(), text.end(), '\n');
  return static_cast<int>(newlines) + (text.empty() || text.back() == '\n' ? 0 : 1);
}

std::filesystem::path ProjectRoot() {
  const char* root = std::getenv("MAE_SOURCE_DIR");
  return root == nullptr ? std::filesystem::current_path() : std::filesystem::path(root);
}

SourceTree SourceTree::OfProject() {
  std::vector<SourceFile> files;
  const std::filesystem::path root = ProjectRoot();
  for (const char* folder : {"lib", "server", "client", "trainer", "tests"}) {
    if (!std::filesystem::is_directory(root / folder)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      if (!IsSource(entry.path())) continue;
      const std::string text = ReadText(entry.path());
      files.push_back({entry.path().lexically_relative(root).generic_string(), text, ParseIncludes(text)});
    }
  }
  EXPECT_GT(files.size(), 100U) << "no sources under " << root
                                << ": set MAE_SOURCE_DIR to the project's root";
  return SourceTree(std::move(files));
}

SourceTree::SourceTree(std::vector<SourceFile> files) {
  for (SourceFile& file : files) files_.emplace(file.path, std::move(file));
}

const SourceFile* SourceTree::Find(const std::string& include) const {
  for (const std::string& path : {"lib/" + include, include}) {
    if (const auto found = files_.find(path); found != files_.end()) return &found->second;
  }
  return nullptr;
}

std::set<std::string> SourceTree::Closure(const SourceFile& file) const {
  std::set<std::string> names;
  std::vector<const SourceFile*> waiting = {&file};
  while (!waiting.empty()) {
    const SourceFile* next = waiting.back();
    waiting.pop_back();
    for (const Include& include : next->includes) {
      const SourceFile* ours = names.insert(include.name).second ? Find(include.name) : nullptr;
      if (ours != nullptr) waiting.push_back(ours);
    }
  }
  return names;
}

}  // namespace mae
