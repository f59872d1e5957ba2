#include "runtime/wait_policy.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace mae {
namespace {

// Runs this test program again as a child that calls WaitWithoutSpinning, and gives back what the program
// that came of it saw in its environment.
std::string PolicySeenByChild(const char* preset) {
  int pipe_fds[2];
  EXPECT_EQ(pipe(pipe_fds), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(pipe_fds[1], STDOUT_FILENO);
    unsetenv("OMP_WAIT_POLICY");
    unsetenv("GOMP_SPINCOUNT");
    if (preset != nullptr) setenv("OMP_WAIT_POLICY", preset, 1);
    setenv("MAE_WAIT_POLICY_TEST_CHILD", "1", 1);
    execl("/proc/self/exe", "runtime_test", nullptr);
    _exit(127);
  }
  close(pipe_fds[1]);
  std::string seen(64, '\0');
  seen.resize(static_cast<size_t>(std::max<ssize_t>(0, read(pipe_fds[0], seen.data(), seen.size()))));
  close(pipe_fds[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  return seen;
}

// Before main, so that the child never reaches the tests.
const bool child_reports = [] {
  if (getenv("MAE_WAIT_POLICY_TEST_CHILD") == nullptr) return false;
  char name[] = "runtime_test";
  char* arguments[] = {name, nullptr};
  WaitWithoutSpinning(arguments);
  const std::string policy = getenv("OMP_WAIT_POLICY");
  _exit(write(STDOUT_FILENO, policy.data(), policy.size()) > 0 ? 0 : 1);
}();

TEST(WaitWithoutSpinning, StartsTheProgramAnewWithPassiveWaiting) {
  EXPECT_EQ(PolicySeenByChild(nullptr), "passive");
}

TEST(WaitWithoutSpinning, LeavesTheUsersOwnPolicyAlone) { EXPECT_EQ(PolicySeenByChild("active"), "active"); }

}  // namespace
}  // namespace mae
