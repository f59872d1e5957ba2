#include "checkpoint/checkpoint_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "absl/cleanup/cleanup.h"
#include "checkpoint/checkpoint_reader.h"
#include "tests/checkpoint/keep_last.h"
#include "tests/checkpoint/sample_checkpoint.h"
#include "tests/checkpoint/whole_file.h"
#include "tests/fakes/faulty_files.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;
constexpr auto kExhausted = absl::StatusCode::kResourceExhausted;

absl::Status WriteStep(CheckpointWriter& writer, int64_t step) {
  const auto staged = writer.Stage(SampleCheckpoint(step));
  return staged.ok() ? writer.Commit(step) : staged;
}

absl::Status WriteStepAnew(const std::filesystem::path& folder, int64_t step, int64_t resumed_step) {
  auto writer = CheckpointWriter::Create(folder, KeepLast(2), resumed_step);
  return writer.ok() ? WriteStep(*writer, step) : writer.status();
}

// All names in the folder, hidden ones too.
std::vector<std::string> NamesIn(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename());
  return names;
}

// What a resume would find: the step, whole, and nothing to warn of; else -1.
int64_t WholeStep(const std::filesystem::path& folder) {
  const auto latest = ReadLatestCheckpoint(folder);
  EXPECT_THAT(latest, IsOk());
  if (!latest.ok()) return -1;
  EXPECT_THAT(latest->warnings, IsEmpty());
  const int64_t step = latest->checkpoint.progress.step;
  return IsSample(latest->checkpoint, step) ? step : -1;
}

TEST(CheckpointWriter, CommittedCheckpointComesBackBitForBit) {
  const TempFolder folder;
  ASSERT_THAT(WriteStepAnew(folder / "checkpoints", 123, 0), IsOk());
  EXPECT_THAT(NamesIn(folder / "checkpoints"), ElementsAre("step-000000123"));
  EXPECT_THAT(
      NamesIn(folder / "checkpoints/step-000000123"),
      UnorderedElementsAre("manifest.json", "model.safetensors", "optimizer.safetensors", "state.json"));
  EXPECT_EQ(WholeStep(folder / "checkpoints"), 123);
}

TEST(CheckpointWriter, StagedIsHiddenUntilCommittedAndGoesWithTheWriter) {
  const TempFolder folder;
  {
    auto writer = CheckpointWriter::Create(folder.path(), KeepLast(2), 0);
    ASSERT_THAT(writer, IsOk());
    ASSERT_THAT(writer->Stage(SampleCheckpoint(1)), IsOk());
    EXPECT_EQ(NamesIn(folder.path()).size(), 1U);
    EXPECT_THAT(ReadLatestCheckpoint(folder.path()), StatusIs(absl::StatusCode::kNotFound));
  }
  EXPECT_THAT(NamesIn(folder.path()), IsEmpty());
}

TEST(CheckpointWriter, StagingAgainReplacesWhatWasStaged) {
  const TempFolder folder;
  auto writer = CheckpointWriter::Create(folder.path(), KeepLast(2), 0);
  ASSERT_THAT(writer->Stage(SampleCheckpoint(1)), IsOk());
  ASSERT_THAT(writer->Stage(SampleCheckpoint(2)), IsOk());
  EXPECT_EQ(NamesIn(folder.path()).size(), 1U);
  ASSERT_THAT(writer->Commit(2), IsOk());
  EXPECT_EQ(WholeStep(folder.path()), 2);
}

TEST(CheckpointWriter, MovedWriterKeepsWhatIsStaged) {
  const TempFolder folder;
  auto first = CheckpointWriter::Create(folder.path(), KeepLast(2), 0);
  ASSERT_THAT(first->Stage(SampleCheckpoint(1)), IsOk());
  CheckpointWriter second = *std::move(first);
  EXPECT_THAT(second.Commit(1), IsOk());
  EXPECT_EQ(WholeStep(folder.path()), 1);
}

TEST(CheckpointWriter, OnlyTheLastStay) {
  const TempFolder folder;
  auto writer = CheckpointWriter::Create(folder.path(), KeepLast(2), 0);
  for (const int64_t step : {5, 10, 15, 20}) {
    ASSERT_THAT(WriteStep(*writer, step), IsOk());
    EXPECT_THAT(writer->removal_status(), IsOk());
    EXPECT_EQ(WholeStep(folder.path()), step);
  }
  EXPECT_THAT(NamesIn(folder.path()), UnorderedElementsAre("step-000000015", "step-000000020"));
}

TEST(CheckpointWriter, CommitWantsTheStagedStepAboveTheLast) {
  const TempFolder folder;
  auto writer = CheckpointWriter::Create(folder.path(), KeepLast(2), 0);
  EXPECT_THAT(writer->Commit(1), StatusIs(kPrecondition, HasSubstr("Stage first")));
  ASSERT_THAT(writer->Stage(SampleCheckpoint(5)), IsOk());
  EXPECT_THAT(writer->Commit(6), StatusIs(kPrecondition, HasSubstr("step 6 is committed, step 5 staged")));
  EXPECT_THAT(NamesIn(folder.path()), IsEmpty());
  ASSERT_THAT(WriteStep(*writer, 5), IsOk());
  EXPECT_THAT(WriteStep(*writer, 5), StatusIs(kPrecondition, HasSubstr("not above step 5")));
  EXPECT_THAT(WriteStep(*writer, 4), StatusIs(kPrecondition));
  EXPECT_THAT(WriteStepAnew(folder.path(), 5, 5), StatusIs(kPrecondition));
  EXPECT_EQ(WholeStep(folder.path()), 5);
}

TEST(CheckpointWriter, OptionsOutOfRangeAreRefusedNamingThem) {
  const TempFolder folder;
  EXPECT_THAT(CheckpointWriter::Create(folder.path(), KeepLast(1), 7),
              StatusIs(kInvalid, HasSubstr("no checkpoint of step 7")));
  auto writer = CheckpointWriter::Create(folder.path(), KeepLast(1), 0);
  EXPECT_THAT(writer->Stage(SampleCheckpoint(0)), StatusIs(kInvalid, HasSubstr("step is 0")));
  Spill(folder / "file", "");
  EXPECT_FALSE(CheckpointWriter::Create(folder / "file", KeepLast(1), 0).ok());
}

TEST(CheckpointWriter, CreateSweepsLeftoversAndNothingElse) {
  const TempFolder folder;
  ASSERT_THAT(WriteStepAnew(folder.path(), 1, 0), IsOk());
  std::filesystem::create_directories(folder / ".tmp-step-000000002.77");
  Spill(folder / ".tmp-step-000000002.77/model.safetensors", "half");
  std::filesystem::create_directories(folder / ".tmp-removed-step-000000000.77");
  std::filesystem::create_directories(folder / "notes");
  ASSERT_THAT(CheckpointWriter::Create(folder.path(), KeepLast(2), 1), IsOk());
  EXPECT_THAT(NamesIn(folder.path()), UnorderedElementsAre("step-000000001", "notes"));
}

TEST(CheckpointWriter, DamagedCheckpointsAboveTheResumedOneGoWhenTheNextIsSafe) {
  const TempFolder folder;
  auto before = CheckpointWriter::Create(folder.path(), KeepLast(9), 0);
  for (const int64_t step : {10, 20, 30}) ASSERT_THAT(WriteStep(*before, step), IsOk());
  std::filesystem::remove(folder / "step-000000020/state.json");
  std::filesystem::remove(folder / "step-000000030/manifest.json");

  auto after = CheckpointWriter::Create(folder.path(), KeepLast(9), 10);
  ASSERT_THAT(after->Stage(SampleCheckpoint(20)), IsOk());
  EXPECT_EQ(NamesIn(folder.path()).size(), 4U);
  ASSERT_THAT(after->Commit(20), IsOk());
  EXPECT_THAT(NamesIn(folder.path()), UnorderedElementsAre("step-000000010", "step-000000020"));
  EXPECT_EQ(WholeStep(folder.path()), 20);
}

TEST(CheckpointWriter, GoingBackLeavesLaterOnesUntilTheNextIsSafe) {
  const TempFolder folder;
  auto writer = CheckpointWriter::Create(folder.path(), KeepLast(9), 0);
  for (const int64_t step : {10, 20, 30}) ASSERT_THAT(WriteStep(*writer, step), IsOk());
  ASSERT_THAT(writer->GoBackTo(10), IsOk());
  EXPECT_EQ(NamesIn(folder.path()).size(), 3U);
  ASSERT_THAT(WriteStep(*writer, 20), IsOk());
  EXPECT_THAT(NamesIn(folder.path()), UnorderedElementsAre("step-000000010", "step-000000020"));
  ASSERT_THAT(writer->GoBackTo(0), IsOk());
  ASSERT_THAT(WriteStep(*writer, 5), IsOk());
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("step-000000005"));
}

TEST(CheckpointWriter, ARuleOfItsOwnDecidesWhatStays) {
  const TempFolder folder;
  const Retention all_but_odd = [](const std::vector<int64_t>& steps, const TrainingProgress& newest) {
    EXPECT_EQ(steps.back(), newest.step);
    std::vector<int64_t> odd;
    for (const int64_t step : steps) {
      if (step % 2 == 1 && step != newest.step) odd.push_back(step);
    }
    return odd;
  };
  auto writer = CheckpointWriter::Create(folder.path(), all_but_odd, 0);
  for (const int64_t step : {1, 2, 3, 4}) ASSERT_THAT(WriteStep(*writer, step), IsOk());
  EXPECT_THAT(NamesIn(folder.path()), UnorderedElementsAre("step-000000002", "step-000000004"));
}

TEST(CheckpointWriter, DiskWithoutRoomIsToldInBytesBeforeAnythingIsWritten) {
  const TempFolder folder;
  auto writer = CheckpointWriter::Create(folder.path(), KeepLast(2), 0);
  auto checkpoint = SampleCheckpoint(1);
  checkpoint.model[0].second = torch::zeros({1}).expand({int64_t{1} << 50});
  EXPECT_THAT(
      writer->Stage(checkpoint),
      StatusIs(kExhausted, AllOf(HasSubstr("needs 45035996"), HasSubstr("free"), HasSubstr("make room"))));
  EXPECT_THAT(NamesIn(folder.path()), IsEmpty());
}

TEST(CheckpointWriter, FileThatMayNotGrowIsAnErrorAndTheOldCheckpointStays) {
  const TempFolder folder;
  ASSERT_THAT(WriteStepAnew(folder.path(), 1, 0), IsOk());
  auto writer = CheckpointWriter::Create(folder.path(), KeepLast(2), 1);
  rlimit former;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &former), 0);
  const auto former_action = std::signal(SIGXFSZ, SIG_IGN);
  {
    const rlimit tight{100, former.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
    absl::Cleanup restore = [&] { setrlimit(RLIMIT_FSIZE, &former); };
    EXPECT_THAT(WriteStep(*writer, 2), StatusIs(kExhausted, HasSubstr("model.safetensors")));
  }
  std::signal(SIGXFSZ, former_action);
  EXPECT_THAT(NamesIn(folder.path()), ElementsAre("step-000000001"));
  EXPECT_EQ(WholeStep(folder.path()), 1);
  EXPECT_THAT(WriteStep(*writer, 2), IsOk());
}

TEST(CheckpointWriter, TensorsThatCannotBeWrittenLeaveNothing) {
  const TempFolder folder;
  auto writer = CheckpointWriter::Create(folder.path(), KeepLast(2), 0);
  auto checkpoint = SampleCheckpoint(1);
  checkpoint.optimizer.push_back(checkpoint.optimizer[0]);
  EXPECT_THAT(writer->Stage(checkpoint), StatusIs(kInvalid, HasSubstr("given twice")));
  EXPECT_THAT(writer->Commit(1), StatusIs(kPrecondition));
  EXPECT_THAT(NamesIn(folder.path()), IsEmpty());
}

TEST(CheckpointWriter, ReadBackThatDiffersIsNotPublished) {
  const TempFolder folder;
  auto writer = CheckpointWriter::Create(folder.path(), KeepLast(2), 0);
  ASSERT_THAT(writer->Stage(SampleCheckpoint(1)), IsOk());
  const auto file = folder.path() / NamesIn(folder.path())[0] / "optimizer.safetensors";
  auto bytes = Slurp(file);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  Spill(file, bytes);
  EXPECT_THAT(writer->Commit(1),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("optimizer.safetensors is damaged")));
  EXPECT_THAT(NamesIn(folder.path()), IsEmpty());
}

// A process that goes on from step 1, and ends at system call number `index` of writing step 2, with whatever
// it did not sync lost. @return whether it was through before that.
bool WriteStepTwoUntil(const std::filesystem::path& folder, size_t index) {
  const pid_t child = fork();
  if (child == 0) {
    auto writer = CheckpointWriter::Create(folder, KeepLast(1), 1);
    FaultyFiles files(folder);
    files.LosePowerAt(index);
    _exit(WriteStep(*writer, 2).ok() ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << index;
  EXPECT_THAT(WEXITSTATUS(status), AnyOf(0, FaultyFiles::kPowerLost)) << index;
  return WEXITSTATUS(status) == 0;
}

TEST(CheckpointWriter, PowerLossAtAnySystemCallLeavesAWholeCheckpoint) {
  int before = 0, after = 0;
  bool is_through = false;
  for (size_t index = 0; !is_through; ++index) {
    const TempFolder folder;
    ASSERT_THAT(WriteStepAnew(folder.path(), 1, 0), IsOk());
    is_through = WriteStepTwoUntil(folder.path(), index);

    const int64_t step = WholeStep(folder.path());
    (step == 1 ? before : after) += 1;
    ASSERT_TRUE(step == 2 || (step == 1 && !is_through)) << index;
    ASSERT_THAT(CheckpointWriter::Create(folder.path(), KeepLast(1), step), IsOk());
    EXPECT_THAT(NamesIn(folder.path()), Each(StartsWith("step-"))) << index;
    ASSERT_EQ(WholeStep(folder.path()), step);
  }
  // The loop went through the writing, the publishing and the removal of the old one.
  EXPECT_GE(before, 15);
  EXPECT_GE(after, 3);
}

TEST(CheckpointWriter, AnySystemCallThatFailsIsReportedAndTheLastCheckpointStays) {
  size_t failures = 0, removals = 0;
  bool is_through = false;
  for (size_t index = 0; !is_through; ++index) {
    const TempFolder folder;
    ASSERT_THAT(WriteStepAnew(folder.path(), 1, 0), IsOk());
    auto writer = CheckpointWriter::Create(folder.path(), KeepLast(1), 1);
    absl::Status status;
    {
      FaultyFiles files(folder.path());
      files.FailCall(index, index % 2 == 0 ? EIO : ENOSPC);
      status = WriteStep(*writer, 2);
      is_through = files.calls().size() <= index;
    }
    ASSERT_EQ(WholeStep(folder.path()), status.ok() ? 2 : 1) << index << " " << status;
    if (!status.ok()) {
      ++failures;
      EXPECT_THAT(status, StatusIs(index % 2 == 0 ? absl::StatusCode::kInternal : kExhausted)) << index;
    } else if (!is_through) {
      ++removals;
      EXPECT_FALSE(writer->removal_status().ok()) << index;
    }
    ASSERT_THAT(WriteStep(*writer, 3), IsOk()) << index;
    EXPECT_EQ(WholeStep(folder.path()), 3);
    EXPECT_THAT(writer->removal_status(), IsOk()) << index;
  }
  EXPECT_GE(failures, 15U);
  EXPECT_GE(removals, 2U);
}

TEST(CheckpointWriter, ManifestComesLastAndTheFolderIsSyncedWithIt) {
  const TempFolder folder;
  auto writer = CheckpointWriter::Create(folder.path(), KeepLast(1), 0);
  ASSERT_THAT(writer->Stage(SampleCheckpoint(1)), IsOk());
  const std::string staging = NamesIn(folder.path())[0];
  const FaultyFiles files(folder.path());
  ASSERT_THAT(writer->Commit(1), IsOk());
  const std::string manifest = staging + "/manifest.json";
  EXPECT_THAT(files.calls(), ElementsAre("write " + manifest + ".tmp", "fsync " + manifest + ".tmp",
                                         "rename " + manifest + ".tmp " + manifest, "fsync " + staging,
                                         "rename " + staging + " step-000000001", "fsync ."));
}

}  // namespace
}  // namespace mae
