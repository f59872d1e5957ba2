#include "checkpoint/checkpoint_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/checkpoint_writer.h"
#include "tests/checkpoint/keep_last.h"
#include "tests/checkpoint/sample_checkpoint.h"
#include "tests/checkpoint/whole_file.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kFiles[] = {"manifest.json", "model.safetensors", "optimizer.safetensors",
                                  "state.json"};

class CheckpointReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    auto writer = CheckpointWriter::Create(folder_.path(), KeepLast(3), 0);
    ASSERT_THAT(writer, IsOk());
    for (const int64_t step : {1, 2}) {
      ASSERT_THAT(writer->Stage(SampleCheckpoint(step)), IsOk());
      ASSERT_THAT(writer->Commit(step), IsOk());
    }
  }

  std::filesystem::path FileOf(int64_t step, const std::string& name) const {
    return folder_.path() / ("step-00000000" + std::to_string(step)) / name;
  }

  // The reader goes back to step 1 and says that step 2 was passed over, and why.
  void ExpectStepOne(const std::string& what) const {
    const auto latest = ReadLatestCheckpoint(folder_.path());
    ASSERT_THAT(latest, IsOk()) << what;
    EXPECT_TRUE(IsSample(latest->checkpoint, 1)) << what;
    EXPECT_EQ(latest->folder, folder_ / "step-000000001");
    EXPECT_THAT(latest->warnings, ElementsAre(HasSubstr("step-000000002 passed over"))) << what;
  }

  TempFolder folder_;
};

TEST_F(CheckpointReaderTest, GivesTheNewestWithoutWarnings) {
  const auto latest = ReadLatestCheckpoint(folder_.path());
  ASSERT_THAT(latest, IsOk());
  EXPECT_TRUE(IsSample(latest->checkpoint, 2));
  EXPECT_EQ(latest->folder, folder_ / "step-000000002");
  EXPECT_THAT(latest->warnings, IsEmpty());
}

TEST_F(CheckpointReaderTest, NoCheckpointIsNotFound) {
  EXPECT_THAT(ReadLatestCheckpoint(folder_ / "absent"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("absent")));
  std::filesystem::create_directory(folder_ / "empty");
  EXPECT_THAT(ReadLatestCheckpoint(folder_ / "empty"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(CheckpointReaderTest, AnyFileCutOffAnywhereIsPassedOver) {
  for (const char* name : kFiles) {
    const auto whole = Slurp(FileOf(2, name));
    for (const size_t length :
         {size_t{0}, size_t{1}, size_t{7}, size_t{8}, whole.size() / 2, whole.size() - 2}) {
      Spill(FileOf(2, name), whole.substr(0, length));
      ExpectStepOne(std::string(name) + " cut to " + std::to_string(length));
    }
    Spill(FileOf(2, name), whole);
  }
}

TEST_F(CheckpointReaderTest, AnyFlippedBitOfAFileIsPassedOver) {
  for (const char* name : {"model.safetensors", "optimizer.safetensors", "state.json"}) {
    const auto whole = Slurp(FileOf(2, name));
    for (size_t i = 0; i < whole.size(); i += 13) {
      auto flipped = whole;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
      Spill(FileOf(2, name), flipped);
      ExpectStepOne(std::string(name) + " flipped at " + std::to_string(i));
    }
    Spill(FileOf(2, name), whole);
  }
}

TEST_F(CheckpointReaderTest, FlippedBitOfTheManifestIsPassedOverOrHarmless) {
  const auto whole = Slurp(FileOf(2, "manifest.json"));
  for (size_t i = 0; i < whole.size(); ++i) {
    auto flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
    Spill(FileOf(2, "manifest.json"), flipped);
    const auto latest = ReadLatestCheckpoint(folder_.path());
    ASSERT_THAT(latest, IsOk());
    const bool harmless = latest->warnings.empty();  // a space that became another, say
    EXPECT_TRUE(IsSample(latest->checkpoint, harmless ? 2 : 1)) << i;
  }
}

TEST_F(CheckpointReaderTest, MissingFilesArePassedOver) {
  for (const char* name : kFiles) {
    const auto whole = Slurp(FileOf(2, name));
    std::filesystem::remove(FileOf(2, name));
    ExpectStepOne(std::string(name) + " removed");
    Spill(FileOf(2, name), whole);
  }
  EXPECT_EQ(ReadLatestCheckpoint(folder_.path())->checkpoint.progress.step, 2);
}

TEST_F(CheckpointReaderTest, ManifestThatLeavesAFileOutIsPassedOver) {
  Spill(FileOf(2, "manifest.json"), R"({"format":1,"files":{}})");
  ExpectStepOne("empty manifest");
}

TEST_F(CheckpointReaderTest, WholeCheckpointUnderAnotherStepsNameIsPassedOver) {
  std::filesystem::remove_all(folder_ / "step-000000002");
  std::filesystem::copy(folder_ / "step-000000001", folder_ / "step-000000002");
  ExpectStepOne("copied folder");
}

TEST_F(CheckpointReaderTest, SeveralDamagedOnesAreAllNamedNewestFirst) {
  std::filesystem::create_directory(folder_ / "step-000000007");
  std::filesystem::create_directory(folder_ / "step-000000009");
  const auto latest = ReadLatestCheckpoint(folder_.path());
  ASSERT_THAT(latest, IsOk());
  EXPECT_TRUE(IsSample(latest->checkpoint, 2));
  EXPECT_THAT(latest->warnings, ElementsAre(HasSubstr("step-000000009"), HasSubstr("step-000000007")));
}

TEST_F(CheckpointReaderTest, LooksOnlyAtTheStepsThatAreAccepted) {
  const auto first = ReadLatestCheckpoint(folder_.path(), [](int64_t step) { return step < 2; });
  ASSERT_THAT(first, IsOk());
  EXPECT_TRUE(IsSample(first->checkpoint, 1));
  EXPECT_THAT(first->warnings, IsEmpty());
  EXPECT_THAT(ReadLatestCheckpoint(folder_.path(), [](int64_t) { return false; }),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(CheckpointReaderTest, NoneWholeIsDataLossNamingEach) {
  std::filesystem::remove(FileOf(1, "manifest.json"));
  Spill(FileOf(2, "state.json"), "{}");
  EXPECT_THAT(
      ReadLatestCheckpoint(folder_.path()),
      StatusIs(absl::StatusCode::kDataLoss,
               AllOf(HasSubstr("step-000000001"), HasSubstr("step-000000002"), HasSubstr("state.json"))));
}

}  // namespace
}  // namespace mae
