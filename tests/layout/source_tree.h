#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mae {

/// One #include line.
struct Include {
  std::string name;  ///< between the quotes or angle brackets
  int line = 0;
};

/// A source file of the project, as text.
struct SourceFile {
  std::string path;  ///< from the root down, "lib/nn/block.h"
  std::string text;
  std::vector<Include> includes;

  bool is_header() const { return path.ends_with(".h"); }
  /// The rule set that it falls under: the folder below lib/, else the first folder: "nn", "server", "tests".
  std::string folder() const;
};

/// The #include lines of a text, comments left out.
std::vector<Include> ParseIncludes(std::string_view text);

/// Lines of a text; a last one without its newline counts.
int CountLines(std::string_view text);

/// The .h and .cc files of some folders, by path.
class SourceTree {
 public:
  /// The project under $MAE_SOURCE_DIR: lib, server, client, trainer, tests.
  static SourceTree OfProject();
  explicit SourceTree(std::vector<SourceFile> files);

  const std::map<std::string, SourceFile>& files() const { return files_; }

  /// The file of ours that an #include names, or nullptr: names are from lib/ down or from the root down.
  const SourceFile* Find(const std::string& include) const;

  /// All names that a file includes, itself and through files of ours, those of the latter included.
  std::set<std::string> Closure(const SourceFile& file) const;

 private:
  std::map<std::string, SourceFile> files_;
};

/// $MAE_SOURCE_DIR.
std::filesystem::path ProjectRoot();

}  // namespace mae
