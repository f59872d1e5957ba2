#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "job/job_event.h"

namespace mae {

/// One point of a metric series.
struct MetricPoint {
  int64_t step = 0;
  double epoch = 0;
  double value = 0;
  absl::Time time;
};

/// What a glance at a job shows: the newest of everything.
struct JobSummary {
  int64_t last_sequence = 0;
  std::optional<StateEvent> state;
  std::optional<absl::Time> state_time;  ///< of the newest state event
  MetricsEvent metrics;                  ///< newest step and epoch; values holds the newest of every metric
  int64_t checkpoint_step = 0;           ///< of the newest checkpoint event; 0: none
  std::optional<absl::Time> checkpoint_time;
  int64_t restarts = 0;  ///< restart events
};

/// On how many machines the processes are that write and read a job's database.
enum class JobDbReach { kOneMachine, kSeveralMachines };

/// Gives a job.db that is there what kSeveralMachines needs. UNAVAILABLE while anybody else has it open.
absl::Status MakeReachSeveralMachines(const std::filesystem::path& path);

/// Writes job.db (SQLite, WAL for one machine, synchronous=FULL; docs/formats/job_db.md). One writer at a
/// time: the server until it spawns the trainer, the trainer while it lives, the server again after. Not
/// thread-safe.
class JobDbWriter {
 public:
  /// Opens or makes the database. @param reach of one that is made; it stays as it is. INTERNAL or DATA_LOSS
  /// with path and SQLite's words.
  static absl::StatusOr<std::unique_ptr<JobDbWriter>> Open(const std::filesystem::path& path,
                                                           JobDbReach reach = JobDbReach::kOneMachine);
  virtual ~JobDbWriter() = default;

  /// Appends an event in one transaction, stamped now; a MetricsEvent also extends the series.
  /// @return its sequence. RESOURCE_EXHAUSTED when the disk is full; nothing was written then.
  virtual absl::StatusOr<int64_t> Append(const decltype(JobEvent::event)& event) = 0;

  /// The job goes on from a checkpoint and repeats the steps after it: removes the points of series after its
  /// step. Where the newest metrics event is of a later step, one without values takes that back; where the
  /// newest checkpoint event is of another step, `start` is appended. So Summary shows where the job stands.
  /// @param start step 0 and no path: the job begins anew.
  virtual absl::Status RewindTo(const CheckpointEvent& start) = 0;
};

/// Reads job.db, also while a trainer writes it; never writes (but see Database::Mode::kReadOnly), never
/// checkpoints. Not thread-safe; cheap to
/// open.
class JobDbReader {
 public:
  /// NOT_FOUND if there is no database.
  static absl::StatusOr<std::unique_ptr<JobDbReader>> Open(const std::filesystem::path& path);
  virtual ~JobDbReader() = default;

  /// Events with a sequence above `after`, in order, at most `limit`. Also of a reader that was opened before
  /// a writer of several machines was killed within a transaction.
  virtual absl::StatusOr<std::vector<JobEvent>> EventsAfter(int64_t after, int64_t limit) = 0;
  virtual absl::StatusOr<JobSummary> Summary() = 0;
  /// Names of all series, sorted.
  virtual absl::StatusOr<std::vector<std::string>> MetricNames() = 0;
  /// A series in order of step, thinned evenly to at most max_points; first and last point always stay.
  virtual absl::StatusOr<std::vector<MetricPoint>> Series(const std::string& metric, int64_t max_points) = 0;
};

}  // namespace mae
