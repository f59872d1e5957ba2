#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/layout/source_tree.h"

namespace mae {

/// What the files of one folder may include of ours besides their own folder, base and options. An entry is a
/// folder
/// ("models") or one file ("data/dataset.h").
struct FolderRule {
  std::set<std::string> from_any_file;
  std::set<std::string> from_sources_only = {};  ///< .cc files, not headers
};

/// "path:line: what is wrong" for each #include line against the rules; a folder without a rule is wrong
/// itself.
std::vector<std::string> ForbiddenArrows(const SourceTree& tree,
                                         const std::map<std::string, FolderRule>& rules);

/// A way around in the graph of included files, as "a.h -> b.h -> a.h"; empty if there is none.
std::string IncludeCycle(const SourceTree& tree);

/// Whether an #include name is one of LibTorch's or of protobuf's (generated messages and gRPC among them).
bool IsTorchHeader(const std::string& name);
bool IsProtobufHeader(const std::string& name);

/// Files that see headers of both libraries, themselves or through files of ours.
std::vector<std::string> FilesThatSeeTorchAndProtobuf(const SourceTree& tree);

}  // namespace mae
