#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace mae {

/// A disk that fails when the test says. While one lives, this process's calls of write, fsync and rename on
/// files under `folder` pass through it; it notes each, and can fail one or have the power go at one. Linking
/// this file puts its write, fsync and rename before the C library's. At most one at a time. Thread-safe
/// against the calls it sees.
class FaultyFiles {
 public:
  explicit FaultyFiles(std::filesystem::path folder);
  ~FaultyFiles();
  FaultyFiles(const FaultyFiles&) = delete;
  FaultyFiles& operator=(const FaultyFiles&) = delete;

  /// The call of this index (from 0) fails with this errno, without effect.
  void FailCall(size_t index, int error);

  /// Before the call of this index, content that was not synced is lost (the files are there, empty) and the
  /// process ends with kPowerLost: to be used in a forked child.
  void LosePowerAt(size_t index);
  static constexpr int kPowerLost = 75;

  /// "write NAME", "fsync NAME", "rename NAME NAME" in order; names relative to the folder, "." is itself,
  /// and the changing part of a temporary name is left out.
  std::vector<std::string> calls() const;

  /// For the interposed functions. @return an errno to fail with, or 0.
  int OnWrite(int fd);
  int OnSync(int fd);
  int OnRename(const char* from, const char* to);

 private:
  int Note(const std::string& call);
  void DropUnsynced();

  const std::filesystem::path folder_;
  std::vector<std::string> calls_;
  std::map<ino_t, std::filesystem::path>
      unsynced_;  ///< files written since their last fsync, by where they are now
  size_t failing_, last_;
  int error_ = 0;
};

}  // namespace mae
