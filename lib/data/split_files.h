#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace mae {

/// Files of a dataset told apart by their names. Pure function of the disk.
struct SplitFiles {
  std::vector<std::filesystem::path> train, validation;
};

/// Files whose name ends in `suffix` (any case) and does not begin with a dot, sorted. Those with "train" in
/// their name are for training. Of the rest those with "val" are for validation; only if there are none,
/// those with "test": the test split of a dataset that has both is often without labels.
/// @param folders looked into, each without its subfolders; they need not be there.
SplitFiles FindSplitFiles(const std::vector<std::filesystem::path>& folders, std::string_view suffix);

}  // namespace mae
