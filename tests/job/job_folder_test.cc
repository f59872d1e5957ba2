#include "job/job_folder.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/durable_file.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

TEST(JobFolder, CreateMakesTheFoldersAndWritesTheSpec) {
  const TempFolder temp;
  const JobFolder folder(temp.path() / "jobs" / "pretrain-1");
  ASSERT_THAT(folder.Create("{\"spec\": 1}"), IsOk());
  EXPECT_THAT(ReadFile(folder.spec()), IsOkAndHolds("{\"spec\": 1}"));
  EXPECT_TRUE(std::filesystem::is_directory(folder.checkpoints()));
  EXPECT_TRUE(std::filesystem::is_directory(folder.samples()));
}

TEST(JobFolder, ASecondCreateLeavesTheFirstSpecAlone) {
  const TempFolder temp;
  const JobFolder folder(temp.path() / "job");
  ASSERT_THAT(folder.Create("first"), IsOk());
  EXPECT_THAT(folder.Create("second"),
              StatusIs(absl::StatusCode::kAlreadyExists, testing::HasSubstr("spec.json")));
  EXPECT_THAT(ReadFile(folder.spec()), IsOkAndHolds("first"));
}

TEST(JobFolder, AFolderThatCannotBeMadeIsNamed) {
  const TempFolder temp;
  std::ofstream(temp.path() / "file") << "in the way";
  EXPECT_THAT(JobFolder(temp.path() / "file" / "job").Create("{}"),
              StatusIs(testing::_, testing::HasSubstr((temp.path() / "file" / "job").string())));
}

}  // namespace
}  // namespace mae
