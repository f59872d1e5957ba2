#include "data/dataset_path.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/utf8.h"

namespace mae {
namespace {

constexpr size_t kMaxPath = 1024, kMaxPart = 255, kMaxFolders = 8;

std::string Quoted(absl::string_view text) {
  return absl::StrCat("'", absl::CHexEscape(text.substr(0, 128)), "'");
}

bool MayBePart(absl::string_view part) {
  return !part.empty() && part[0] != '.' && part.size() <= kMaxPart &&
         std::none_of(part.begin(), part.end(), [](unsigned char c) { return absl::ascii_iscntrl(c); });
}

}  // namespace

absl::Status CheckDatasetPath(absl::string_view path) {
  if (path.empty() || path.size() > kMaxPath) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(path), " has ", path.size(), " bytes; 1 to ", kMaxPath, " are taken"));
  }
  if (!IsUtf8({path.data(), path.size()}))
    return absl::InvalidArgumentError(absl::StrCat(Quoted(path), " is not UTF-8"));
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  if (parts.size() > kMaxFolders + 1) {
    return absl::InvalidArgumentError(absl::StrCat(Quoted(path), " lies ", parts.size() - 1,
                                                   " folders deep; at most ", kMaxFolders, " are taken"));
  }
  if (std::all_of(parts.begin(), parts.end(), MayBePart)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(Quoted(path), " is not a path below the dataset's folder whose parts have 1 to ", kMaxPart,
                   " bytes, no control characters, and begin with no dot"));
}

absl::Status CheckDatasetName(absl::string_view name) {
  constexpr absl::string_view kFirst = "abcdefghijklmnopqrstuvwxyz0123456789";
  constexpr absl::string_view kAll = "abcdefghijklmnopqrstuvwxyz0123456789._-";
  if (!name.empty() && name.size() <= 63 && kFirst.find(name[0]) != absl::string_view::npos &&
      name.find_first_not_of(kAll) == absl::string_view::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the name \"", absl::CHexEscape(name.substr(0, 80)),
                   "\" must be 1 to 63 of a-z, 0-9, '.', '_', '-', and begin with a "
                   "letter or digit"));
}

}  // namespace mae
