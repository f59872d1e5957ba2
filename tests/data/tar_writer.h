#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mae {

struct TarEntry {
  std::string path, content;
  std::string symlink_to;  ///< not empty: a symbolic link in place of a file
};

/// The bytes of a tar with these entries, in this order. Throws std::runtime_error on failure.
std::string TarBytes(const std::vector<TarEntry>& entries);

/// Entries for files of `folder`, in the order of `names`, under `prefix` in the archive.
std::vector<TarEntry> TarEntries(const std::filesystem::path& folder, const std::vector<std::string>& names,
                                 const std::string& prefix);

}  // namespace mae
