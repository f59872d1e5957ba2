#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace mae {

/// The content of a file; empty if it can't be read.
inline std::string Slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

/// Replaces the content of a file, or makes it.
inline void Spill(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

}  // namespace mae
