#include "job/process_identity.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

TEST(ProcessIdentity, ThisProcessRuns) {
  const absl::StatusOr<ProcessIdentity> self = IdentifyProcess(getpid());
  ASSERT_THAT(self, IsOk());
  EXPECT_EQ(self->pid, getpid());
  EXPECT_TRUE(IsRunning(*self));
}

TEST(ProcessIdentity, APidUsedAgainIsAnotherProcess) {
  ProcessIdentity self = *IdentifyProcess(getpid());
  --self.start_ticks;
  EXPECT_FALSE(IsRunning(self));
}

TEST(ProcessIdentity, AnUnusedPidIsNotFound) {
  // Above the largest pid that Linux gives (2^22).
  EXPECT_THAT(IdentifyProcess((1 << 22) + 1), StatusIs(absl::StatusCode::kNotFound));
}

// It would be taken for dead, and a job for one without a folder.
TEST(ProcessIdentity, WithoutADescriptorNothingIsSaidOfIt) {
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit none = limit;
  none.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto self = IdentifyProcess(getpid());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_THAT(self, StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace mae
