#include "job/job_db.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "base/sqlite.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

MetricsEvent Loss(int64_t step, double value) { return {step, 1000, step / 100.0, 10, {{"loss", value}}}; }

class JobDbTest : public testing::Test {
 protected:
  void SetUp() override {
    auto writer = JobDbWriter::Open(path_);
    ASSERT_THAT(writer, IsOk());
    writer_ = *std::move(writer);
  }
  std::unique_ptr<JobDbReader> Reader() {
    auto reader = JobDbReader::Open(path_);
    EXPECT_THAT(reader, IsOk());
    return *std::move(reader);
  }
  std::vector<int64_t> Steps(int64_t max_points) {
    std::vector<int64_t> steps;
    const auto series = Reader()->Series("loss", max_points);
    for (const MetricPoint& point : *series) steps.push_back(point.step);
    return steps;
  }

  const TempFolder temp_;
  const std::filesystem::path path_ = temp_.path() / "job.db";
  std::unique_ptr<JobDbWriter> writer_;
};

TEST_F(JobDbTest, SequencesCountUpFromOneAlsoAcrossWriters) {
  EXPECT_THAT(writer_->Append(LogEvent{"info", "a"}), IsOkAndHolds(1));
  EXPECT_THAT(writer_->Append(Loss(1, 0.5)), IsOkAndHolds(2));
  SetUp();
  EXPECT_THAT(writer_->Append(LogEvent{"info", "b"}), IsOkAndHolds(3));
}

TEST_F(JobDbTest, AReaderGoesOnAfterAWriterOfSeveralMachinesWasKilledWithinATransaction) {
  const auto other = temp_.path() / "other.db";
  ASSERT_THAT((*JobDbWriter::Open(other, JobDbReach::kSeveralMachines))->Append(LogEvent{"info", "a"}),
              IsOk());
  int begin[2];
  ASSERT_EQ(pipe(begin), 0);
  const pid_t child = fork();
  if (child == 0) {
    char byte;
    if (read(begin[0], &byte, 1) != 1) _exit(1);
    const auto database = Database::Open(other, Database::Mode::kReadWriteOfSeveralMachines);
    // More than its cache holds, so that pages are in the file before the commit.
    const char* const many =
        "PRAGMA cache_size=1; BEGIN; WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i "
        "< "
        "2000) INSERT INTO events SELECT i, 0, 'log', hex(zeroblob(500)) FROM n";
    if (!database.ok() || !(*database)->Execute(many).ok()) _exit(1);
    kill(getpid(), SIGKILL);
  }
  const auto reader = JobDbReader::Open(other);
  ASSERT_THAT(reader, IsOk());
  EXPECT_THAT((*reader)->EventsAfter(0, 10), IsOkAndHolds(SizeIs(1)));
  ASSERT_EQ(write(begin[1], "x", 1), 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  for (const int end : begin) close(end);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_GT(std::filesystem::file_size(other), 100'000) << "nothing of the transaction is in the file";
  for (int i = 0; i < 2; ++i) EXPECT_THAT((*reader)->EventsAfter(0, 10), IsOkAndHolds(SizeIs(1)));
}

// What another machine can see is no write-ahead log: its index is memory of this one.
TEST_F(JobDbTest, ADatabaseOfSeveralMachinesHasNoLogForGood) {
  const auto other = temp_.path() / "other.db";
  for (const auto reach : {JobDbReach::kSeveralMachines, JobDbReach::kOneMachine}) {
    const auto writer = *JobDbWriter::Open(other, reach);
    ASSERT_THAT(writer->Append(LogEvent{"info", "a"}), IsOk());
    EXPECT_FALSE(std::filesystem::exists(other.string() + "-wal"));
    EXPECT_THAT((*JobDbReader::Open(other))->EventsAfter(0, 9), IsOk());
  }
  EXPECT_TRUE(std::filesystem::exists(path_.string() + "-wal"));
}

TEST_F(JobDbTest, ReadersSeeEventsInOrderFromWhereTheyAsk) {
  for (const char* text : {"a", "b", "c", "d"}) ASSERT_THAT(writer_->Append(LogEvent{"info", text}), IsOk());
  const auto events = Reader()->EventsAfter(1, 2);
  ASSERT_THAT(events, IsOkAndHolds(SizeIs(2)));
  EXPECT_EQ(events->at(0).sequence, 2);
  EXPECT_EQ(std::get<LogEvent>(events->at(0).event).text, "b");
  EXPECT_EQ(std::get<LogEvent>(events->at(1).event).text, "c");
  EXPECT_LT(absl::Now() - events->at(0).time, absl::Hours(1));
  EXPECT_THAT(Reader()->EventsAfter(4, 10), IsOkAndHolds(IsEmpty()));
}

TEST_F(JobDbTest, AnOpenReaderSeesWhatIsWrittenLater) {
  const auto reader = Reader();
  EXPECT_THAT(reader->EventsAfter(0, 10), IsOkAndHolds(IsEmpty()));
  ASSERT_THAT(writer_->Append(LogEvent{"info", "late"}), IsOk());
  EXPECT_THAT(reader->EventsAfter(0, 10), IsOkAndHolds(SizeIs(1)));
}

TEST_F(JobDbTest, TheSummaryHasTheNewestOfEverything) {
  EXPECT_FALSE(Reader()->Summary()->state.has_value());
  ASSERT_THAT(writer_->Append(StateEvent{JobState::kRunning, {}}), IsOk());
  ASSERT_THAT(writer_->Append(MetricsEvent{10, 100, 0.5, 2, {{"loss", 0.9}, {"accuracy", 0.1}}}), IsOk());
  ASSERT_THAT(writer_->Append(CheckpointEvent{10, "checkpoints/step-10"}), IsOk());
  ASSERT_THAT(writer_->Append(MetricsEvent{20, 100, 1, 2, {{"loss", 0.8}}}), IsOk());
  for (const char* text : {"once", "twice"}) ASSERT_THAT(writer_->Append(RestartEvent{text}), IsOk());
  ASSERT_THAT(writer_->Append(StateEvent{JobState::kFailed, absl::InternalError("broke")}), IsOk());
  const absl::StatusOr<JobSummary> summary = Reader()->Summary();
  ASSERT_THAT(summary, IsOk());
  EXPECT_EQ(summary->last_sequence, 7);
  EXPECT_EQ(summary->restarts, 2);
  EXPECT_EQ(summary->state->error, absl::InternalError("broke"));
  EXPECT_EQ(summary->metrics, (MetricsEvent{20, 100, 1, 2, {{"loss", 0.8}, {"accuracy", 0.1}}}));
  EXPECT_EQ(summary->checkpoint_step, 10);
}

TEST_F(JobDbTest, ReachesSeveralMachinesOnceNobodyHasItOpen) {
  ASSERT_THAT(writer_->Append(LogEvent{"info", "kept"}), IsOk());
  EXPECT_THAT(MakeReachSeveralMachines(path_), StatusIs(absl::StatusCode::kUnavailable));
  writer_ = nullptr;
  ASSERT_THAT(MakeReachSeveralMachines(path_), IsOk());
  std::ifstream file(path_, std::ios::binary);
  std::string header(20, '\0');
  file.read(header.data(), 20);
  EXPECT_EQ(header.substr(18), "\1\1") << "the versions of a rollback journal (SQLite's file format, 1.3.3)";
  EXPECT_THAT(*Reader()->EventsAfter(0, 10), SizeIs(1));
}

TEST_F(JobDbTest, SeriesKeepTheirEndsWhenThinned) {
  for (int64_t step = 1; step <= 101; ++step) ASSERT_THAT(writer_->Append(Loss(step, 1.0 / step)), IsOk());
  EXPECT_THAT(Steps(5), ElementsAre(1, 26, 51, 76, 101));
  EXPECT_THAT(Steps(2), ElementsAre(1, 101));
  EXPECT_THAT(Steps(1), ElementsAre(101));
  EXPECT_THAT(Steps(1000), SizeIs(101));
  EXPECT_THAT(Steps(100), SizeIs(100));
}

TEST_F(JobDbTest, ASeriesKeepsStepEpochAndValue) {
  ASSERT_THAT(writer_->Append(Loss(50, 0.125)), IsOk());
  const auto series = Reader()->Series("loss", 10);
  ASSERT_THAT(series, IsOkAndHolds(SizeIs(1)));
  EXPECT_EQ(series->at(0).epoch, 0.5);
  EXPECT_EQ(series->at(0).value, 0.125);
  EXPECT_THAT(Reader()->Series("weather", 10), IsOkAndHolds(IsEmpty()));
}

TEST_F(JobDbTest, AStepRecordedAgainReplacesItsPoint) {
  ASSERT_THAT(writer_->Append(Loss(1, 0.5)), IsOk());
  ASSERT_THAT(writer_->Append(Loss(1, 0.25)), IsOk());
  EXPECT_EQ(Reader()->Series("loss", 10)->at(0).value, 0.25);
  EXPECT_THAT(Steps(10), ElementsAre(1));
}

TEST_F(JobDbTest, NotANumberStaysNotANumber) {
  ASSERT_THAT(writer_->Append(Loss(1, std::nan(""))), IsOk());
  EXPECT_TRUE(std::isnan(Reader()->Series("loss", 10)->at(0).value));
  EXPECT_TRUE(std::isnan(Reader()->Summary()->metrics.values.at("loss")));
}

TEST_F(JobDbTest, RewindingDropsLaterPointsAndKeepsEvents) {
  for (int64_t step = 1; step <= 5; ++step) ASSERT_THAT(writer_->Append(Loss(step, 1)), IsOk());
  ASSERT_THAT(writer_->Append(MetricsEvent{5, 1000, 0, 10, {{"accuracy", 1}}}), IsOk());
  ASSERT_THAT(writer_->Append(CheckpointEvent{3, "checkpoints/3"}), IsOk());
  ASSERT_THAT(writer_->RewindTo({3, "checkpoints/3"}), IsOk());
  EXPECT_THAT(Steps(10), ElementsAre(1, 2, 3));
  EXPECT_THAT(Reader()->MetricNames(), IsOkAndHolds(ElementsAre("loss")));
  const auto events = Reader()->EventsAfter(0, 100);
  ASSERT_THAT(events, IsOkAndHolds(SizeIs(8)));
  EXPECT_EQ(std::get<MetricsEvent>(events->at(7).event), (MetricsEvent{3, 1000, 0.03, 10, {}}));
}

TEST_F(JobDbTest, RewindingToAnOlderCheckpointShowsItsStepEverywhere) {
  ASSERT_THAT(writer_->Append(Loss(2, 0.5)), IsOk());
  ASSERT_THAT(writer_->Append(CheckpointEvent{2, "checkpoints/2"}), IsOk());
  ASSERT_THAT(writer_->Append(Loss(4, 0.25)), IsOk());
  ASSERT_THAT(writer_->Append(CheckpointEvent{4, "checkpoints/4"}), IsOk());
  ASSERT_THAT(writer_->RewindTo({2, "checkpoints/2"}), IsOk());
  const auto summary = Reader()->Summary();
  ASSERT_THAT(summary, IsOk());
  EXPECT_EQ(summary->checkpoint_step, 2);
  EXPECT_EQ(summary->metrics.step, 2);
  EXPECT_EQ(summary->metrics.total_steps, 1000);
  EXPECT_EQ(summary->metrics.values.at("loss"), 0.5);
}

TEST_F(JobDbTest, RewindingToTheBeginningLeavesNoProgressAndNoCheckpoint) {
  ASSERT_THAT(writer_->Append(Loss(2, 0.5)), IsOk());
  ASSERT_THAT(writer_->Append(CheckpointEvent{2, "checkpoints/2"}), IsOk());
  ASSERT_THAT(writer_->RewindTo({}), IsOk());
  const auto summary = Reader()->Summary();
  ASSERT_THAT(summary, IsOk());
  EXPECT_EQ(summary->checkpoint_step, 0);
  EXPECT_EQ(summary->metrics, (MetricsEvent{0, 1000, 0, 10, {}}));
}

TEST_F(JobDbTest, RewindingAJobThatHasRecordedNothingAppendsNothing) {
  ASSERT_THAT(writer_->RewindTo({}), IsOk());
  EXPECT_THAT(Reader()->EventsAfter(0, 10), IsOkAndHolds(IsEmpty()));
}

TEST_F(JobDbTest, MetricNamesAreSorted) {
  ASSERT_THAT(writer_->Append(MetricsEvent{1, 1, 1, 1, {{"loss", 1}, {"accuracy", 1}, {"grad_norm", 1}}}),
              IsOk());
  EXPECT_THAT(Reader()->MetricNames(), IsOkAndHolds(ElementsAre("accuracy", "grad_norm", "loss")));
}

TEST_F(JobDbTest, AMissingDatabaseIsNotFound) {
  EXPECT_THAT(JobDbReader::Open(temp_.path() / "none.db"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(JobDbTest, ANewerSchemaIsRefused) {
  {
    auto database = Database::Open(path_, Database::Mode::kReadWrite);
    ASSERT_THAT((*database)->Execute("PRAGMA user_version = 7"), IsOk());
  }
  const auto refused = StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("schema version 7"));
  EXPECT_THAT(JobDbReader::Open(path_), refused);
  EXPECT_THAT(JobDbWriter::Open(path_), refused);
}

TEST_F(JobDbTest, AFileThatIsNoDatabaseIsAnErrorWithItsPath) {
  std::ofstream(temp_.path() / "bad.db") << std::string(4096, 'x');
  EXPECT_THAT(JobDbWriter::Open(temp_.path() / "bad.db"), StatusIs(testing::_, HasSubstr("bad.db")));
}

}  // namespace
}  // namespace mae
