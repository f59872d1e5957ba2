#include "server/job_curves.h"

#include <gtest/gtest.h>

#include "job/job_db.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temp_folder.h"

namespace mae {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class JobCurvesTest : public testing::Test {
 protected:
  JobCurvesTest() {
    std::filesystem::create_directories(temp_ / "jobs" / "a");
    const auto writer = *JobDbWriter::Open(temp_ / "jobs" / "a" / "job.db");
    for (const int64_t step : {1, 2}) {
      MetricsEvent event;
      event.step = step;
      event.values = {{"loss", 1.0 / static_cast<double>(step)}, {"images_per_second", 9.0}};
      EXPECT_THAT(writer->Append(event), IsOk());
    }
  }

  TempFolder temp_;
  absl::Mutex mutex_;
  std::unique_ptr<Database> database_ = *Database::Open(temp_ / "mae.db", Database::Mode::kReadWrite);
  std::unique_ptr<JobTable> table_ = *JobTable::Create(*database_, mutex_);
  JobLedger ledger_{*table_, temp_ / "jobs"};
};

TEST_F(JobCurvesTest, AreThoseThatTellHowTrainingWent) {
  for (const char* job : {"a", "jobs/a"}) {
    EXPECT_THAT(CurvesFrom(ledger_)(job), ElementsAre(Pair("loss", ElementsAre(Pair(1, 1.0), Pair(2, 0.5)))));
  }
}

TEST_F(JobCurvesTest, OfAJobThatIsGoneThereAreNone) {
  for (const char* job : {"", "b", "jobs/", "../jobs/a", "jobs/../a"}) {
    EXPECT_THAT(CurvesFrom(ledger_)(job), IsEmpty()) << job;
  }
}

}  // namespace
}  // namespace mae
