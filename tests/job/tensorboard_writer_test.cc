#include "job/tensorboard_writer.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "absl/time/clock.h"
#include "base/durable_file.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::HasSubstr;
using testing::Not;

class TensorboardWriterTest : public testing::Test {
 protected:
  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "tensorboard"))
      files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
  }
  /// The events of a file, its framing taken off.
  static std::vector<std::string> EventsOf(const std::string& path) {
    const std::string bytes = ReadFile(path).value();
    std::vector<std::string> events;
    for (size_t at = 0; at < bytes.size();) {
      const auto length = static_cast<size_t>(static_cast<uint8_t>(bytes[at])) |
                          static_cast<size_t>(static_cast<uint8_t>(bytes[at + 1])) << 8;
      events.push_back(bytes.substr(at + 12, length));
      EXPECT_EQ(bytes.substr(at, length + 16), TensorboardRecord(events.back()));
      at += length + 16;
    }
    return events;
  }

  TempFolder folder_;
};

TEST_F(TensorboardWriterTest, WritesMetricsAsScalarsAndPicturesWhereTheMetricsStand) {
  const auto writer = TensorboardWriter::Create(JobFolder(folder_.path()));
  ASSERT_THAT(writer, IsOk());
  const std::string png = "\x89PNG\r\n\x1a\n0000IHDR00000000 rest of the picture";
  ASSERT_THAT(WriteFileDurably(folder_ / "epoch-001.png", png), IsOk());
  ASSERT_THAT((*writer)->Write(MetricsEvent{7, 10, 0.7, 1, {{"loss", 0.5}, {"accuracy", 0.25}}}), IsOk());
  ASSERT_THAT((*writer)->Write(PictureEvent{1, "after epoch 1", "epoch-001.png"}), IsOk());
  ASSERT_THAT((*writer)->Write(LogEvent{"info", "passed over"}), IsOk());
  const auto events = EventsOf(Files().at(0));
  ASSERT_EQ(events.size(), 4u);
  EXPECT_THAT(events[0], HasSubstr("brain.Event:2"));
  EXPECT_THAT(events[1], HasSubstr("accuracy"));
  EXPECT_THAT(events[2], HasSubstr("loss"));
  EXPECT_THAT(events[3], HasSubstr("samples"));
  EXPECT_THAT(events[3], HasSubstr("rest of the picture"));
  EXPECT_EQ(events[3][10], 7) << "the step";
}

TEST_F(TensorboardWriterTest, ARunHasAFileOfItsOwnThatComesLaterAndTakesBackWhatWasBeyond) {
  ASSERT_THAT(TensorboardWriter::Create(JobFolder(folder_.path())), IsOk());
  const auto second = TensorboardWriter::Create(JobFolder(folder_.path()));
  ASSERT_THAT(second, IsOk());
  ASSERT_THAT((*second)->ResumeAt(40), IsOk());
  const auto files = Files();
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(EventsOf(files[0]).size(), 1u);
  const auto events = EventsOf(files[1]);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].substr(9), SessionStartEvent(absl::Now(), 41).substr(9));
}

TEST_F(TensorboardWriterTest, SettingsAreTheLeavesOfTheSpec) {
  const auto writer = TensorboardWriter::Create(JobFolder(folder_.path()));
  ASSERT_THAT(writer, IsOk());
  ASSERT_THAT(
      (*writer)->Settings(R"({"recipe": "x", "spec": {"optimizer": {"learning_rate": 0.5, "name": "adamw"},
                                      "seed": 3, "data": {"mean": [0.5, 0.25]}}})"),
      IsOk());
  const std::string session = EventsOf(Files().at(0)).at(2);
  EXPECT_THAT(session, HasSubstr("\x17"
                                 "optimizer.learning_rate"));
  EXPECT_THAT(session, HasSubstr("adamw"));
  EXPECT_THAT(session, HasSubstr("[0.5,0.25]"));
  EXPECT_THAT((*writer)->Settings("{"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(TensorboardWriterTest, SuccessAndFailureAreWrittenAndOtherStatesAreNot) {
  const auto writer = TensorboardWriter::Create(JobFolder(folder_.path()));
  ASSERT_THAT(writer, IsOk());
  for (const auto state : {JobState::kRunning, JobState::kStopping, JobState::kStopped})
    ASSERT_THAT((*writer)->Write(StateEvent{state, {}}), IsOk());
  ASSERT_THAT((*writer)->Write(StateEvent{JobState::kFailed, absl::AbortedError("x")}), IsOk());
  ASSERT_THAT((*writer)->Write(StateEvent{JobState::kSucceeded, {}}), IsOk());
  const auto events = EventsOf(Files().at(0));
  ASSERT_EQ(events.size(), 3u);
  const auto between_its_times = [](const std::string& event) { return event.substr(9, event.size() - 17); };
  EXPECT_EQ(between_its_times(events[1]),
            between_its_times(HparamsEndEvent(absl::Now(), SessionEnd::kFailure)));
  EXPECT_EQ(between_its_times(events[2]),
            between_its_times(HparamsEndEvent(absl::Now(), SessionEnd::kSuccess)));
}

TEST_F(TensorboardWriterTest, AFolderThatCannotBeMadeIsNamed) {
  ASSERT_THAT(WriteFileDurably(folder_ / "tensorboard", "a file"), IsOk());
  const auto writer = TensorboardWriter::Create(JobFolder(folder_.path()));
  EXPECT_THAT(writer.status(), Not(IsOk()));
  EXPECT_THAT(std::string(writer.status().message()), HasSubstr("tensorboard"));
}

}  // namespace
}  // namespace mae
