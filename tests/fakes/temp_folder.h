#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <system_error>

namespace mae {

/// A folder of one test's own, under testing::TempDir(), removed with all in it when destroyed.
class TempFolder {
 public:
  TempFolder() {
    static std::atomic<int> folders = 0;
    path_ = std::filesystem::path(testing::TempDir()) /
            ("mae-" + std::to_string(getpid()) + "-" + std::to_string(folders.fetch_add(1)));
    std::filesystem::create_directories(path_);
  }
  ~TempFolder() {
    std::error_code ignored;  // a test may have taken it away itself
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace mae
