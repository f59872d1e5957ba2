#include "server/disk_space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/durable_file.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::HasSubstr;

TEST(CheckDiskSpace, TellsWhatIsNeededFreeAndKept) {
  const TempFolder root;
  EXPECT_THAT(CheckDiskSpace(root.path(), 1, 0), IsOk());
  EXPECT_THAT(CheckDiskSpace(root.path(), INT64_MAX, 0),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("9223372036854775807")));
  const int64_t more_than_is_free = *FreeBytes(root.path()) + (int64_t{1} << 40);
  EXPECT_THAT(CheckDiskSpace(root.path(), 0, more_than_is_free),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr(std::to_string(more_than_is_free))));
}

}  // namespace
}  // namespace mae
