#include "data/split_files.h"

#include <algorithm>
#include <string>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace mae {

SplitFiles FindSplitFiles(const std::vector<std::filesystem::path>& folders, std::string_view suffix) {
  SplitFiles files;
  std::vector<std::filesystem::path> test;
  for (const std::filesystem::path& folder : folders) {
    std::error_code error;
    for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
         it.increment(error)) {
      const std::string name = absl::AsciiStrToLower(it->path().filename().string());
      if (!name.ends_with(suffix) || name.starts_with(".")) continue;
      if (absl::StrContains(name, "train")) {
        files.train.push_back(it->path());
      } else if (absl::StrContains(name, "val")) {
        files.validation.push_back(it->path());
      } else if (absl::StrContains(name, "test")) {
        test.push_back(it->path());
      }
    }
  }
  if (files.validation.empty()) files.validation = std::move(test);
  std::sort(files.train.begin(), files.train.end());
  std::sort(files.validation.begin(), files.validation.end());
  return files;
}

}  // namespace mae
