#include "server/job_ledger.h"

#include <gtest/gtest.h>

#include "base/durable_file.h"
#include "job/job_db.h"
#include "job/job_lock.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;
using Events = absl::StatusOr<std::vector<JobEventBody>>;

class JobLedgerTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(temp_ / "jobs");
    Reopen();
  }
  void Reopen() {
    ledger_ = nullptr;
    table_ = nullptr;
    database_ = nullptr;
    auto database = Database::Open(temp_ / "mae.db", Database::Mode::kReadWrite);
    ASSERT_THAT(database, IsOk());
    database_ = *std::move(database);
    auto table = JobTable::Create(*database_, mutex_);
    ASSERT_THAT(table, IsOk());
    table_ = *std::move(table);
    ledger_ = std::make_unique<JobLedger>(*table_, temp_ / "jobs");
  }
  static JobRecord Asked(const std::string& request_id = "", const std::string& hash = "h") {
    JobRecord record;
    record.kind = "pretrain";
    record.spec = "{}";
    record.request_id = request_id;
    record.request_hash = hash;
    return record;
  }
  JobRecord Make() {
    auto record = ledger_->Create(Asked(), "{}", 100);
    EXPECT_THAT(record, IsOk());
    return *std::move(record);
  }
  std::string MakeStarting() {
    const std::string id = Make().id;
    EXPECT_THAT(ledger_->Apply(id, [](JobRecord& row) { return MoveTo(row, JobState::kStarting); }), IsOk());
    return id;
  }
  void TrainerSays(const std::string& id, JobState state) {
    const auto writer = JobDbWriter::Open(ledger_->Folder(id).database());
    ASSERT_THAT(writer, IsOk());
    ASSERT_THAT((*writer)->Append(StateEvent{state, absl::OkStatus()}), IsOk());
  }
  std::vector<JobState> StatesIn(const std::string& id) {
    const auto reader = JobDbReader::Open(ledger_->Folder(id).database());
    EXPECT_THAT(reader, IsOk());
    const auto events = (*reader)->EventsAfter(0, 100);
    std::vector<JobState> states;
    for (const JobEvent& event : *events) states.push_back(std::get<StateEvent>(event.event).state);
    return states;
  }
  static Events MoveTo(JobRecord& record, JobState state) {
    record.state = state;
    return std::vector<JobEventBody>{StateEvent{state, absl::OkStatus()}};
  }

  const TempFolder temp_;
  absl::Mutex mutex_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<JobTable> table_;
  std::unique_ptr<JobLedger> ledger_;
};

TEST_F(JobLedgerTest, CreateMakesFolderEventAndRow) {
  const JobRecord record = Make();
  EXPECT_THAT(ReadFile(ledger_->Folder(record.id).spec()), IsOkAndHolds("{}"));
  EXPECT_THAT(StatesIn(record.id), ElementsAre(JobState::kQueued));
  EXPECT_EQ(table_->Find(record.id)->state, JobState::kQueued);
}

TEST_F(JobLedgerTest, EverythingOfARowSurvivesReopening) {
  const std::string id = Make().id;
  ASSERT_THAT(ledger_->Edit(id,
                            [](JobRecord& row) {
                              row.state = JobState::kFailed;
                              row.error = absl::DataLossError("bad");
                              row.started = absl::FromUnixSeconds(5);
                              row.ended = absl::FromUnixSeconds(6);
                              row.published_version = "models/m/versions/1";
                              row.stop_at_once = true;
                              row.trainer = ProcessIdentity{12, 34};
                            }),
              IsOk());
  Reopen();
  const JobRecord row = *table_->Find(id);
  EXPECT_EQ(row.state, JobState::kFailed);
  EXPECT_EQ(row.error, absl::DataLossError("bad"));
  EXPECT_EQ(row.started, absl::FromUnixSeconds(5));
  EXPECT_EQ(row.ended, absl::FromUnixSeconds(6));
  EXPECT_EQ(row.published_version, "models/m/versions/1");
  EXPECT_TRUE(row.stop_at_once);
  EXPECT_EQ(row.trainer, (ProcessIdentity{12, 34}));
}

TEST_F(JobLedgerTest, ARequestIdMakesOneJobAndTellsAnotherBodyApart) {
  const auto first = ledger_->Create(Asked("id", "h1"), "{}", 100);
  EXPECT_EQ(ledger_->Create(Asked("id", "h1"), "{}", 100)->id, first->id);
  EXPECT_THAT(ledger_->Create(Asked("id", "h2"), "{}", 100),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr(first->id)));
  EXPECT_NE(ledger_->Create(Asked("other", "h1"), "{}", 100)->id, first->id);
  EXPECT_NE(Make().id, Make().id) << "without an id every request is new";
}

TEST_F(JobLedgerTest, AFullQueueMakesNothing) {
  Make();
  EXPECT_THAT(ledger_->Create(Asked(), "{}", 1),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("limit is 1")));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(temp_ / "jobs"), {}), 1);
}

TEST_F(JobLedgerTest, ApplyWritesTheEventAndTheRow) {
  const std::string id = Make().id;
  const auto changed = ledger_->Apply(id, [](JobRecord& row) { return MoveTo(row, JobState::kStarting); });
  ASSERT_THAT(changed, IsOk());
  EXPECT_EQ(changed->run_sequence, 2);
  EXPECT_EQ(table_->Find(id)->run_sequence, 2);
  EXPECT_THAT(StatesIn(id), ElementsAre(JobState::kQueued, JobState::kStarting));
}

TEST_F(JobLedgerTest, AChangeThatIsRefusedChangesNothing) {
  const std::string id = Make().id;
  const auto refused = ledger_->Apply(id, [](JobRecord& row) -> Events {
    row.state = JobState::kFailed;
    return absl::FailedPreconditionError("no");
  });
  EXPECT_THAT(refused, StatusIs(StatusCode::kFailedPrecondition, "no"));
  EXPECT_EQ(table_->Find(id)->state, JobState::kQueued);
  EXPECT_THAT(StatesIn(id), ElementsAre(JobState::kQueued));
}

TEST_F(JobLedgerTest, NoEventIsWrittenWhileATrainerHoldsTheFolder) {
  const std::string id = Make().id;
  const auto held = LockJobFolder(ledger_->Folder(id));
  ASSERT_THAT(held, IsOk());
  EXPECT_THAT(ledger_->Apply(id, [](JobRecord& row) { return MoveTo(row, JobState::kStopped); }),
              StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_EQ(table_->Find(id)->state, JobState::kQueued);
  EXPECT_THAT(ledger_->Edit(id, [](JobRecord& row) { row.state = JobState::kRunning; }), IsOk());
}

TEST_F(JobLedgerTest, AStartingJobRunsForEveryoneOnceItsTrainerSaysSo) {
  const std::string id = MakeStarting();
  EXPECT_EQ(ledger_->Find(id)->state, JobState::kStarting);
  ASSERT_THAT(ledger_->NoteRunning(), IsOk());
  EXPECT_EQ(table_->Find(id)->state, JobState::kStarting);
  TrainerSays(id, JobState::kRunning);
  EXPECT_EQ(ledger_->Find(id)->state, JobState::kRunning);
  EXPECT_THAT(ledger_->Delete(id), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("RUNNING")));
  JobState changed_from = JobState::kQueued;
  const auto refused = ledger_->Apply(id, [&](JobRecord& row) -> Events {
    changed_from = row.state;
    return absl::FailedPreconditionError("no");
  });
  EXPECT_EQ(changed_from, JobState::kRunning);
  ASSERT_THAT(ledger_->NoteRunning(), IsOk());
  EXPECT_EQ(table_->Find(id)->state, JobState::kRunning);
}

TEST_F(JobLedgerTest, AStartingJobWhoseTrainerHasEndedAlreadyRanAndIsNotShownAsEnded) {
  const std::string id = MakeStarting();
  TrainerSays(id, JobState::kSucceeded);
  EXPECT_EQ(ledger_->Find(id)->state, JobState::kRunning) << "its model is not published yet";
}

TEST_F(JobLedgerTest, WhatATrainerSaidBringsUpNoOtherStateThanStarting) {
  const std::string id = MakeStarting();
  ASSERT_THAT(ledger_->Edit(id, [](JobRecord& row) { row.state = JobState::kStopping; }), IsOk());
  TrainerSays(id, JobState::kRunning);
  EXPECT_EQ(ledger_->Find(id)->state, JobState::kStopping);
}

TEST_F(JobLedgerTest, OnlyAnEndedJobIsDeleted) {
  const std::string id = Make().id;
  EXPECT_THAT(ledger_->Delete(id), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("QUEUED")));
  ASSERT_THAT(ledger_->Apply(id, [](JobRecord& row) { return MoveTo(row, JobState::kStopped); }), IsOk());
  ASSERT_THAT(ledger_->Delete(id), IsOk());
  EXPECT_FALSE(std::filesystem::exists(ledger_->Folder(id).root()));
  EXPECT_THAT(table_->Find(id), StatusIs(StatusCode::kNotFound));
}

TEST_F(JobLedgerTest, TheQueueIsInOrderOfArrival) {
  const JobRecord a = Make(), b = Make();
  EXPECT_EQ((*table_->NextQueued())->id, a.id);
  EXPECT_THAT(table_->CountQueuedBefore(b.queue_order), IsOkAndHolds(1));
  // One that is queued again goes to the end.
  ASSERT_THAT(ledger_->Edit(a.id, [&](JobRecord& row) { row.queue_order = *table_->LastQueueOrder(); }),
              IsOk());
  EXPECT_EQ((*table_->NextQueued())->id, b.id);
}

TEST_F(JobLedgerTest, ListingGoesFromNewestToOldest) {
  const JobRecord a = Make(), b = Make(), c = Make();
  const auto ids = [](const absl::StatusOr<std::vector<JobRecord>>& records) {
    std::vector<std::string> out;
    for (const JobRecord& record : *records) out.push_back(record.id);
    return out;
  };
  EXPECT_THAT(ids(table_->List(0, 2, {})), ElementsAre(c.id, b.id));
  EXPECT_THAT(ids(table_->List(b.number, 2, {})), ElementsAre(a.id));
  EXPECT_THAT(ids(table_->List(0, 9, {JobState::kRunning})), ElementsAre());
  EXPECT_EQ((*table_->CountByState())[JobState::kQueued], 3);
}

TEST_F(JobLedgerTest, WhatBecameOfAliasesIsKept) {
  const std::string id = Make().id;
  EXPECT_THAT(ledger_->Find(id)->alias_moves, testing::IsEmpty());
  const AliasMove move{"prod", true, "accuracy 0.5 beats 0.25 of version \"1\""};
  ASSERT_THAT(ledger_->Edit(id, [&](JobRecord& row) { row.alias_moves = {move}; }), IsOk());
  Reopen();
  EXPECT_THAT(ledger_->Find(id)->alias_moves, ElementsAre(move));
}

TEST_F(JobLedgerTest, AReasonThatIsNoUtf8IsKeptAsFarAsItIs) {
  const std::string id = Make().id;
  ASSERT_THAT(ledger_->Edit(id,
                            [](JobRecord& row) {
                              row.alias_moves = {{"prod", false, "data is 'a\xff'"}};
                            }),
              IsOk());
  EXPECT_EQ(ledger_->Find(id)->alias_moves.at(0).reason, "data is 'a\xef\xbf\xbd'");
}

}  // namespace
}  // namespace mae
