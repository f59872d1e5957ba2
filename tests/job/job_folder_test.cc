#include "job/job_folder.h"

#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "base/hidden_name.h"
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

TEST(JobFolder, SweepTakesWhatAKilledTrainerWasWritingAndNothingElse) {
  const TempFolder temp;
  const JobFolder folder(temp.path() / "job");
  ASSERT_THAT(folder.Create("{}"), IsOk());
  std::filesystem::create_directories(folder.exported());
  const auto hidden = folder.checkpoints() / absl::StrCat(kHiddenPrefix, "step-9.17");
  std::filesystem::create_directories(hidden);
  std::filesystem::create_directories(folder.checkpoints() / "step-8");
  for (const auto& file : {hidden / "model.safetensors", folder.exported() / "model.safetensors.tmp.17.3",
                           folder.exported() / "config.json", folder.samples() / "epoch-001.png.tmp.17.4",
                           folder.samples() / "epoch-000.png"}) {
    ASSERT_THAT(WriteFileDurably(file, "x"), IsOk());
  }
  folder.Sweep();
  EXPECT_FALSE(std::filesystem::exists(hidden));
  EXPECT_FALSE(std::filesystem::exists(folder.exported() / "model.safetensors.tmp.17.3"));
  EXPECT_FALSE(std::filesystem::exists(folder.samples() / "epoch-001.png.tmp.17.4"));
  for (const auto& kept : {folder.spec(), folder.checkpoints() / "step-8", folder.exported() / "config.json",
                           folder.samples() / "epoch-000.png"}) {
    EXPECT_TRUE(std::filesystem::exists(kept)) << kept;
  }
}

TEST(JobFolder, AFolderThatCannotBeMadeIsNamed) {
  const TempFolder temp;
  std::ofstream(temp.path() / "file") << "in the way";
  EXPECT_THAT(JobFolder(temp.path() / "file" / "job").Create("{}"),
              StatusIs(testing::_, testing::HasSubstr((temp.path() / "file" / "job").string())));
}

}  // namespace
}  // namespace mae
