#include "base/spawn_plan.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/system_error.h"

namespace mae {
namespace {

constexpr mode_t kMode = 0644;

}  // namespace

std::vector<char*> PointersTo(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

SpawnPlan::SpawnPlan() {
  posix_spawn_file_actions_init(&files_);
  posix_spawnattr_init(&attributes_);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes_, &none);
  posix_spawnattr_setsigdefault(&attributes_, &all);
  posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

SpawnPlan::~SpawnPlan() {
  posix_spawn_file_actions_destroy(&files_);
  posix_spawnattr_destroy(&attributes_);
}

void SpawnPlan::Open(int descriptor, const std::string& path, int flags) {
  posix_spawn_file_actions_addopen(&files_, descriptor, path.c_str(), flags, kMode);
}

void SpawnPlan::Give(int descriptor, int ours) {
  posix_spawn_file_actions_adddup2(&files_, ours, descriptor);
}

absl::StatusOr<pid_t> SpawnPlan::Run(std::vector<std::string> command, std::vector<std::string> environment) {
  posix_spawn_file_actions_addclosefrom_np(&files_, STDERR_FILENO + 1);
  const std::vector<char*> argv = PointersTo(command), envp = PointersTo(environment);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, argv[0], &files_, &attributes_, argv.data(), envp.data());
  if (error == 0) return pid;
  const absl::Status status = SystemError("start", command[0], error);
  // Of processes, which there may be again.
  const bool lacks = error == EAGAIN || error == ENOMEM;
  return lacks ? absl::ResourceExhaustedError(std::string(status.message())) : status;
}

}  // namespace mae
