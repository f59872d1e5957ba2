#pragma once

#include <spawn.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace mae {

/// As exec takes words: a pointer to each, and a null. Valid while `texts` is as it is.
std::vector<char*> PointersTo(std::vector<std::string>& texts);

/// How a child that stands alone is started: a session of its own, all signals as they are by default, and no
/// descriptor but 0, 1 and 2, which are ours unless others are given. Not thread-safe.
class SpawnPlan {
 public:
  SpawnPlan();
  ~SpawnPlan();
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  /// Opens a file as the child's descriptor 0, 1 or 2. @param flags of open(2); a file that it makes has mode
  /// 0644.
  void Open(int descriptor, const std::string& path, int flags);
  /// Gives it one of ours, or one that it has been given.
  void Give(int descriptor, int ours);

  /// Starts a program. NOT_FOUND, PERMISSION_DENIED, RESOURCE_EXHAUSTED or INTERNAL names it.
  /// @param command path and arguments @param environment "NAME=value" each
  absl::StatusOr<pid_t> Run(std::vector<std::string> command, std::vector<std::string> environment);

 private:
  posix_spawn_file_actions_t files_;
  posix_spawnattr_t attributes_;
};

}  // namespace mae
