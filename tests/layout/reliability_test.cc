#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include "tests/layout/source_tree.h"

/// Holds the table of docs/reliability.md: numbered rows, each with tests that are there.
namespace mae {
namespace {

constexpr int kMinRows = 60;

std::string TextOf(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct TestLink {
  std::string name, file;
};

std::vector<TestLink> LinksIn(const std::string& row) {
  static const std::regex link(R"(\[([^\]]+)\]\(\.\./([^)]+)\))");
  std::vector<TestLink> links;
  for (std::sregex_iterator it(row.begin(), row.end(), link), end; it != end; ++it)
    links.push_back({(*it)[1], (*it)[2]});
  return links;
}

// "Suite.Test" is a test of that file, "chaos: Name" a function of it.
bool IsThere(const TestLink& link) {
  const std::string text = TextOf(ProjectRoot() / link.file);
  const size_t dot = link.name.find('.'), chaos = link.name.find("chaos: ");
  const std::string pattern =
      chaos == 0 ? "\\b" + link.name.substr(7) + "\\("
                 : "TEST(_F|_P)?\\(" + link.name.substr(0, dot) + ",\\s*" + link.name.substr(dot + 1) + "\\)";
  return std::regex_search(text, std::regex(pattern));
}

TEST(Reliability, EveryFaultOfTheTableHasATestThatIsThere) {
  std::ifstream table(ProjectRoot() / "docs" / "reliability.md");
  int rows = 0;
  for (std::string line; std::getline(table, line);) {
    std::smatch number;
    if (!std::regex_search(line, number, std::regex(R"(^\| (\d+) \|)"))) continue;
    EXPECT_EQ(std::stoi(number[1]), ++rows) << line;
    const auto links = LinksIn(line);
    EXPECT_FALSE(links.empty()) << line;
    for (const TestLink& link : links) EXPECT_TRUE(IsThere(link)) << link.name << " is not in " << link.file;
  }
  EXPECT_GE(rows, kMinRows);
}

}  // namespace
}  // namespace mae
