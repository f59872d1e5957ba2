#include "options/class_match.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "absl/strings/str_cat.h"

namespace mae {
namespace {

bool HasNames(const std::vector<std::string>& labels) {
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != absl::StrCat(i)) return true;
  }
  return false;
}

bool BeginAlike(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const auto common = static_cast<std::ptrdiff_t>(std::min(a.size(), b.size()));
  return std::equal(a.begin(), a.begin() + common, b.begin());
}

void MatchByNumber(size_t classes, ClassMatch& match) {
  match.heads.resize(classes);
  std::iota(match.heads.begin(), match.heads.end(), 0);
}

}  // namespace

std::vector<std::string> ClassNames(const std::vector<std::string>& labels, int64_t classes) {
  std::vector<std::string> names;
  for (int64_t i = 0; i < classes; ++i) {
    const auto at = static_cast<size_t>(i);
    names.push_back(at < labels.size() ? labels[at] : absl::StrCat(i));
  }
  return names;
}

absl::StatusOr<ClassMatch> MatchClasses(const std::vector<std::string>& dataset,
                                        const std::vector<std::string>& model, int64_t classes) {
  if (static_cast<int64_t>(dataset.size()) > classes) {
    return absl::InvalidArgumentError(absl::StrCat("its head has ", classes, " classes, the dataset has ",
                                                   dataset.size(), ": take a classifier of that dataset"));
  }
  ClassMatch match;
  match.names = ClassNames(HasNames(model) ? model : dataset, classes);
  if (!HasNames(dataset) || !HasNames(model) || BeginAlike(dataset, model)) {
    MatchByNumber(dataset.size(), match);
    return match;
  }
  std::map<std::string, int64_t> numbers;
  for (size_t i = 0; i < model.size(); ++i) numbers.emplace(model[i], static_cast<int64_t>(i));
  const std::string* missing = nullptr;
  for (const std::string& name : dataset) {
    const auto found = numbers.find(name);
    if (found != numbers.end()) match.heads.push_back(found->second);
    if (found == numbers.end() && missing == nullptr) missing = &name;
  }
  if (missing == nullptr) return match;
  match.names_differ = match.heads.empty() && static_cast<int64_t>(dataset.size()) == classes;
  if (match.names_differ) {
    MatchByNumber(dataset.size(), match);
    return match;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "its head has no class \"", *missing, "\", which the dataset has: take a classifier of that dataset"));
}

}  // namespace mae
