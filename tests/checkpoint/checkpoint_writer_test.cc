#include "checkpoint/checkpoint_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "absl/cleanup/cleanup.h"
#include "checkpoint/checkpoint_reader.h"
#include "tests/checkpoint/sample_checkpoint.h"
#include "tests/checkpoint/system_calls.h"
#include "tests/checkpoint/test_folder.h"
#include "tests/fakes/status_matchers.h"

namespace mae {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;
constexpr auto kExhausted = absl::StatusCode::kResourceExhausted;

absl::Status WriteStep(CheckpointWriter& writer, int64_t step) {
  const auto staged = writer.Stage(SampleCheckpoint(step));
  return staged.ok() ? writer.Commit(step) : staged;
}

absl::Status WriteStepAnew(const std::filesystem::path& folder, int64_t step, int64_t resumed_step) {
  auto writer = CheckpointWriter::Create(folder, 2, resumed_step);
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
  const TestFolder folder;
  ASSERT_THAT(WriteStepAnew(folder / "checkpoints", 123, 0), IsOk());
  EXPECT_THAT(NamesIn(folder / "checkpoints"), ElementsAre("step-000000123"));
  EXPECT_THAT(
      NamesIn(folder / "checkpoints/step-000000123"),
      UnorderedElementsAre("manifest.json", "model.safetensors", "optimizer.safetensors", "state.json"));
  EXPECT_EQ(WholeStep(folder / "checkpoints"), 123);
}

TEST(CheckpointWriter, StagedIsHiddenUntilCommittedAndGoesWithTheWriter) {
  const TestFolder folder;
  {
    auto writer = CheckpointWriter::Create(folder.path(), 2, 0);
    ASSERT_THAT(writer, IsOk());
    ASSERT_THAT(writer->Stage(SampleCheckpoint(1)), IsOk());
    EXPECT_EQ(NamesIn(folder.path()).size(), 1U);
    EXPECT_THAT(ReadLatestCheckpoint(folder.path()), StatusIs(absl::StatusCode::kNotFound));
  }
  EXPECT_THAT(NamesIn(folder.path()), IsEmpty());
}

TEST(CheckpointWriter, StagingAgainReplacesWhatWasStaged) {
  const TestFolder folder;
  auto writer = CheckpointWriter::Create(folder.path(), 2, 0);
  ASSERT_THAT(writer->Stage(SampleCheckpoint(1)), IsOk());
  ASSERT_THAT(writer->Stage(SampleCheckpoint(2)), IsOk());
  EXPECT_EQ(NamesIn(folder.path()).size(), 1U);
  ASSERT_THAT(writer->Commit(2), IsOk());
  EXPECT_EQ(WholeStep(folder.path()), 2);
}

TEST(CheckpointWriter, MovedWriterKeepsWhatIsStaged) {
  const TestFolder folder;
  auto first = CheckpointWriter::Create(folder.path(), 2, 0);
  ASSERT_THAT(first->Stage(SampleCheckpoint(1)), IsOk());
  CheckpointWriter second = *std::move(first);
  EXPECT_THAT(second.Commit(1), IsOk());
  EXPECT_EQ(WholeStep(folder.path()), 1);
}

TEST(CheckpointWriter, OnlyTheLastStay) {
  const TestFolder folder;
  auto writer = CheckpointWriter::Create(folder.path(), 2, 0);
  for (const int64_t step : {5, 10, 15, 20}) {
    ASSERT_THAT(WriteStep(*writer, step), IsOk());
    EXPECT_THAT(writer->removal_status(), IsOk());
    EXPECT_EQ(WholeStep(folder.path()), step);
  }
  EXPECT_THAT(NamesIn(folder.path()), UnorderedElementsAre("step-000000015", "step-000000020"));
}

TEST(CheckpointWriter, CommitWantsTheStagedStepAboveTheLast) {
  const TestFolder folder;
  auto writer = CheckpointWriter::Create(folder.path(), 2, 0);
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
  const TestFolder folder;
  EXPECT_THAT(CheckpointWriter::Create(folder.path(), 0, 0),
              StatusIs(kInvalid, HasSubstr("checkpoint_keep_last is 0")));
  EXPECT_THAT(CheckpointWriter::Create(folder.path(), 1, 7),
              StatusIs(kInvalid, HasSubstr("no checkpoint of step 7")));
  auto writer = CheckpointWriter::Create(folder.path(), 1, 0);
  EXPECT_THAT(writer->Stage(SampleCheckpoint(0)), StatusIs(kInvalid, HasSubstr("step is 0")));
  Spill(folder / "file", "");
  EXPECT_FALSE(CheckpointWriter::Create(folder / "file", 1, 0).ok());
}

TEST(CheckpointWriter, CreateSweepsLeftoversAndNothingElse) {
  const TestFolder folder;
  ASSERT_THAT(WriteStepAnew(folder.path(), 1, 0), IsOk());
  std::filesystem::create_directories(folder / ".tmp-step-000000002.77");
  Spill(folder / ".tmp-step-000000002.77/model.safetensors", "half");
  std::filesystem::create_directories(folder / ".tmp-removed-step-000000000.77");
  std::filesystem::create_directories(folder / "notes");
  ASSERT_THAT(CheckpointWriter::Create(folder.path(), 2, 1), IsOk());
  EXPECT_THAT(NamesIn(folder.path()), UnorderedElementsAre("step-000000001", "notes"));
}

TEST(CheckpointWriter, DamagedCheckpointsAboveTheResumedOneGoWhenTheNextIsSafe) {
  const TestFolder folder;
  auto before = CheckpointWriter::Create(folder.path(), 9, 0);
  for (const int64_t step : {10, 20, 30}) ASSERT_THAT(WriteStep(*before, step), IsOk());
  std::filesystem::remove(folder / "step-000000020/state.json");
  std::filesystem::remove(folder / "step-000000030/manifest.json");

  auto after = CheckpointWriter::Create(folder.path(), 9, 10);
  ASSERT_THAT(after->Stage(SampleCheckpoint(20)), IsOk());
  EXPECT_EQ(NamesIn(folder.path()).size(), 4U);
  ASSERT_THAT(after->Commit(20), IsOk());
  EXPECT_THAT(NamesIn(folder.path()), UnorderedElementsAre("step-000000010", "step-000000020"));
  EXPECT_EQ(WholeStep(folder.path()), 20);
}

TEST(CheckpointWriter, DiskWithoutRoomIsToldInBytesBeforeAnythingIsWritten) {
  const TestFolder folder;
  auto writer = CheckpointWriter::Create(folder.path(), 2, 0);
  auto checkpoint = SampleCheckpoint(1);
  checkpoint.model[0].second = torch::zeros({1}).expand({int64_t{1} << 50});
  EXPECT_THAT(
      writer->Stage(checkpoint),
      StatusIs(kExhausted, AllOf(HasSubstr("needs 45035996"), HasSubstr("free"), HasSubstr("make room"))));
  EXPECT_THAT(NamesIn(folder.path()), IsEmpty());
}

TEST(CheckpointWriter, FileThatMayNotGrowIsAnErrorAndTheOldCheckpointStays) {
  const TestFolder folder;
  ASSERT_THAT(WriteStepAnew(folder.path(), 1, 0), IsOk());
  auto writer = CheckpointWriter::Create(folder.path(), 2, 1);
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
  const TestFolder folder;
  auto writer = CheckpointWriter::Create(folder.path(), 2, 0);
  auto checkpoint = SampleCheckpoint(1);
  checkpoint.optimizer.push_back(checkpoint.optimizer[0]);
  EXPECT_THAT(writer->Stage(checkpoint), StatusIs(kInvalid, HasSubstr("given twice")));
  EXPECT_THAT(writer->Commit(1), StatusIs(kPrecondition));
  EXPECT_THAT(NamesIn(folder.path()), IsEmpty());
}

TEST(CheckpointWriter, ReadBackThatDiffersIsNotPublished) {
  const TestFolder folder;
  auto writer = CheckpointWriter::Create(folder.path(), 2, 0);
  ASSERT_THAT(writer->Stage(SampleCheckpoint(1)), IsOk());
  const auto file = folder.path() / NamesIn(folder.path())[0] / "optimizer.safetensors";
  auto bytes = Slurp(file);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  Spill(file, bytes);
  EXPECT_THAT(writer->Commit(1),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("optimizer.safetensors is damaged")));
  EXPECT_THAT(NamesIn(folder.path()), IsEmpty());
}

TEST(CheckpointWriter, KilledAtAnySystemCallAReaderSeesAWholeCheckpoint) {
  const TestFolder folder;
  int64_t kills = 0, before = 0, after = 0;
  for (bool finished = false; !finished; ++kills) {
    std::filesystem::remove_all(folder.path());
    ASSERT_THAT(WriteStepAnew(folder.path(), 1, 0), IsOk());
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto writer = CheckpointWriter::Create(folder.path(), 1, 1);
      system_calls::KillAt(kills);
      _exit(WriteStep(*writer, 2).ok() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status)) << kills;
    finished = WEXITSTATUS(status) == 0;
    ASSERT_TRUE(finished || WEXITSTATUS(status) == system_calls::kKilled) << kills;

    const int64_t step = WholeStep(folder.path());
    (step == 1 ? before : after) += 1;
    ASSERT_TRUE(step == 2 || (step == 1 && !finished)) << kills;
    ASSERT_THAT(CheckpointWriter::Create(folder.path(), 1, step), IsOk());
    for (const auto& name : NamesIn(folder.path()))
      EXPECT_THAT(name, ::testing::StartsWith("step-")) << kills;
    ASSERT_EQ(WholeStep(folder.path()), step);
  }
  // The loop went through the writing, the publishing and the removal of the old one.
  EXPECT_GE(before, 15);
  EXPECT_GE(after, 4);
}

TEST(CheckpointWriter, AnySystemCallThatFailsIsReportedOrDoesNotMatter) {
  const TestFolder folder;
  for (const int error : {EIO, ENOSPC}) {
    bool reached_end = false;
    for (int64_t index = 0; !reached_end; ++index) {
      std::filesystem::remove_all(folder.path());
      ASSERT_THAT(WriteStepAnew(folder.path(), 1, 0), IsOk());
      auto writer = CheckpointWriter::Create(folder.path(), 1, 1);
      system_calls::FailAt(index, error);
      const auto status = WriteStep(*writer, 2);
      reached_end = static_cast<int64_t>(system_calls::Stop().size()) <= index;

      ASSERT_EQ(WholeStep(folder.path()), status.ok() ? 2 : 1) << index << " " << status;
      if (!status.ok()) {
        EXPECT_THAT(status, StatusIs(error == EIO ? absl::StatusCode::kInternal : kExhausted)) << index;
      }
      if (status.ok() && !reached_end) {
        EXPECT_FALSE(writer->removal_status().ok()) << index;
      }
      ASSERT_THAT(WriteStep(*writer, 3), IsOk()) << index;
      EXPECT_EQ(WholeStep(folder.path()), 3);
      EXPECT_THAT(writer->removal_status(), IsOk()) << index;
    }
  }
}

// What power loss leaves: a renamed name may be there without content that was not synced before, and may be
// gone unless its folder was synced after.
TEST(CheckpointWriter, NothingIsRenamedBeforeItIsSyncedAndEveryNewNameIsSynced) {
  const TestFolder folder;
  auto writer = CheckpointWriter::Create(folder.path(), 1, 0);
  ASSERT_THAT(WriteStep(*writer, 1), IsOk());
  system_calls::Record();
  ASSERT_THAT(WriteStep(*writer, 2), IsOk());
  const auto calls = system_calls::Stop();

  std::vector<std::string> dirty;  // changed since they were synced
  int renames = 0;
  const auto is_dirty = [&](const std::string& path) {
    return std::count(dirty.begin(), dirty.end(), path) > 0;
  };
  for (const auto& call : calls) {
    if (call.name == "fsync") std::erase(dirty, call.path);
    if (call.name == "write") dirty.push_back(call.path);
    if (call.name != "rename") continue;
    ++renames;
    EXPECT_FALSE(is_dirty(call.path)) << call.path << " renamed before it was synced";
    dirty.push_back(std::filesystem::path(call.to).parent_path());
  }
  EXPECT_EQ(renames, 6);  // four files, the folder, the old folder
  EXPECT_THAT(dirty, IsEmpty());
}

}  // namespace
}  // namespace mae
