#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

/// The classes of a dataset and those of a classifier's head. Pure.
namespace mae {

/// A name for each of so many classes: the label, or where there are fewer its number.
std::vector<std::string> ClassNames(const std::vector<std::string>& labels, int64_t classes);

struct ClassMatch {
  std::vector<int64_t> heads;      ///< of each class of the dataset, its number in the head
  std::vector<std::string> names;  ///< of each class of the head: the model's, else the dataset's
  /// Both have names, and none is the same, so that only numbers could be matched: worth a warning.
  bool names_differ = false;
};

/// Matches by name where both have names, in whatever order. By number where one has none (its labels are
/// empty, or "0", "1", …), where the lists begin alike, or where the names are other words for as many
/// classes. Of two classes of one name the first counts.
/// @param dataset labels of the dataset, one a class.
/// @param model labels of the classifier: one a class, fewer, or none.
/// @param classes of its head.
/// @return INVALID_ARGUMENT, a message that goes on after the name of the model, if the head has fewer
/// classes, or
///   none of a name that the dataset has.
absl::StatusOr<ClassMatch> MatchClasses(const std::vector<std::string>& dataset,
                                        const std::vector<std::string>& model, int64_t classes);

}  // namespace mae
