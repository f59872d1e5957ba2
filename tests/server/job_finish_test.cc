#include "server/job_finish.h"

#include <gtest/gtest.h>

#include <fstream>

#include "job/job_db.h"
#include "job/job_lock.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

TEST(FinishJob, WaitsForTheSweepSinceWhatWasHalfWrittenMustNotBePublished) {
  const TempFolder temp;
  std::filesystem::create_directories(temp / "jobs");
  absl::Mutex mutex;
  const auto database = Database::Open(temp / "mae.db", Database::Mode::kReadWrite);
  ASSERT_THAT(database, IsOk());
  const auto table = JobTable::Create(**database, mutex);
  const auto models = ModelStore::Create(**database, mutex, temp / "models", {.batch = {}});
  ASSERT_THAT(models, IsOk());
  JobLedger ledger(**table, temp / "jobs");
  JobRecord asked;
  asked.kind = "pretrain";
  asked.spec = "{}";
  const std::string id = ledger.Create(asked, "{}", 100)->id;
  ASSERT_THAT(ledger.Edit(id, [](JobRecord& row) { row.state = JobState::kRunning; }), IsOk());
  const JobFolder folder = ledger.Folder(id);
  ASSERT_THAT(
      (*JobDbWriter::Open(folder.database()))->Append(StateEvent{JobState::kSucceeded, absl::OkStatus()}),
      IsOk());
  std::filesystem::create_directories(folder.exported());
  const auto half = folder.exported() / "model.safetensors.tmp.17.3";
  std::ofstream(half) << "half";
  const auto finish = [&] { return FinishJob(id, ProcessExit{0, {}}, ledger, **table, **models); };
  {
    const auto held = LockJobFolder(folder);
    ASSERT_THAT(held, IsOk());
    EXPECT_THAT(finish(), StatusIs(absl::StatusCode::kFailedPrecondition));
  }
  EXPECT_EQ(ledger.Find(id)->state, JobState::kRunning);
  EXPECT_TRUE(std::filesystem::exists(half));
  ASSERT_THAT(finish(), IsOk());
  EXPECT_EQ(ledger.Find(id)->state, JobState::kSucceeded);
  EXPECT_FALSE(std::filesystem::exists(half));
}

}  // namespace
}  // namespace mae
