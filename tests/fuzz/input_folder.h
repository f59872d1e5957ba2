#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "tests/fuzz/fuzz_target.h"

namespace mae {

/// A folder in memory for parsers that read files, removed with all in it when the process ends in peace.
class InputFolder {
 public:
  InputFolder() {
    const std::filesystem::path memory = "/dev/shm";
    const auto above = ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
    path_ = above / ("mae-fuzz-" + std::to_string(::getpid()));
    Clear();
  }
  ~InputFolder() {
    std::error_code ignored;  // nobody is left to tell
    std::filesystem::remove_all(path_, ignored);
  }
  InputFolder(const InputFolder&) = delete;
  InputFolder& operator=(const InputFolder&) = delete;

  /// @return the path of the file.
  std::filesystem::path Write(const std::string& name, std::string_view bytes) const {
    std::ofstream file(path_ / name, std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file.close();
    FUZZ_REQUIRE(file.good());
    return path_ / name;
  }

  /// Makes it empty.
  void Clear() const {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace mae
