#include "job/job_db.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/sqlite.h"
#include "base/status_macros.h"
#include "job/job_event_json.h"

namespace mae {
namespace {

constexpr int64_t kSchemaVersion = 1;
constexpr char kSchema[] = R"sql(
  CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    time_us INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL);
  CREATE INDEX events_by_kind ON events (kind, sequence);
  CREATE TABLE metrics (name TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE series (
    metric TEXT NOT NULL REFERENCES metrics (name),
    step INTEGER NOT NULL,
    epoch REAL NOT NULL,
    value REAL,  -- NULL: not a number
    time_us INTEGER NOT NULL,
    PRIMARY KEY (metric, step)) WITHOUT ROWID;
  PRAGMA user_version = 1;
)sql";

absl::StatusOr<int64_t> SchemaVersion(Database& database) {
  MAE_ASSIGN_OR_RETURN(Statement query, database.Prepare("PRAGMA user_version"));
  MAE_RETURN_IF_ERROR(query.Step().status());
  return query.Int(0);
}

absl::Status CheckSchema(Database& database, const std::filesystem::path& path) {
  MAE_ASSIGN_OR_RETURN(const int64_t version, SchemaVersion(database));
  if (version == kSchemaVersion) return absl::OkStatus();
  if (version == 0) return absl::NotFoundError(absl::StrCat(path.string(), " is still empty"));
  return absl::FailedPreconditionError(absl::StrCat(path.string(), " has schema version ", version,
                                                    ", this program knows ", kSchemaVersion,
                                                    "; use the program that wrote it"));
}

absl::Status MakeSchema(Database& database, const std::filesystem::path& path) {
  MAE_ASSIGN_OR_RETURN(const int64_t version, SchemaVersion(database));
  if (version == 0) {
    MAE_RETURN_IF_ERROR(database.Transaction([&] { return database.Execute(kSchema); }));
  }
  return CheckSchema(database, path);
}

double ValueAt(const Statement& row, int column) {
  return row.IsNull(column) ? std::numeric_limits<double>::quiet_NaN() : row.Double(column);
}

void BindValue(Statement& statement, int index, double value) {
  if (std::isnan(value)) {
    statement.BindNull(index);
  } else {
    statement.Bind(index, value);
  }
}

template <typename Event>
absl::StatusOr<std::optional<Event>> NewestEvent(Database& database, std::string_view kind) {
  MAE_ASSIGN_OR_RETURN(Statement query, database.Prepare("SELECT body FROM events WHERE kind = ? ORDER BY "
                                                         "sequence DESC LIMIT 1"));
  MAE_ASSIGN_OR_RETURN(const bool row, query.Bind(1, kind).Step());
  if (!row) return std::optional<Event>();
  MAE_ASSIGN_OR_RETURN(const JobEventBody body, JobEventFromJson(kind, query.Text(0)));
  return std::optional<Event>(std::get<Event>(body));
}

class SqliteJobDbWriter : public JobDbWriter {
 public:
  explicit SqliteJobDbWriter(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  absl::StatusOr<int64_t> Append(const JobEventBody& event) override {
    int64_t sequence = 0;
    MAE_RETURN_IF_ERROR(database_->Transaction([&]() -> absl::Status {
      const int64_t time_us = absl::ToUnixMicros(absl::Now());
      MAE_ASSIGN_OR_RETURN(sequence, InsertEvent(event, time_us));
      const auto* metrics = std::get_if<MetricsEvent>(&event);
      return metrics == nullptr ? absl::OkStatus() : ExtendSeries(*metrics, time_us);
    }));
    return sequence;
  }

  absl::Status RewindTo(const CheckpointEvent& start) override {
    return database_->Transaction([&]() -> absl::Status {
      MAE_ASSIGN_OR_RETURN(Statement remove, database_->Prepare("DELETE FROM series WHERE step > ?"));
      MAE_RETURN_IF_ERROR(remove.Bind(1, start.step).Run());
      MAE_RETURN_IF_ERROR(TakeBackProgress(start.step));
      MAE_ASSIGN_OR_RETURN(const auto newest, NewestEvent<CheckpointEvent>(*database_, "checkpoint"));
      if (newest.value_or(CheckpointEvent()).step == start.step) return absl::OkStatus();
      return InsertEvent(start, absl::ToUnixMicros(absl::Now())).status();
    });
  }

 private:
  // Rows are never removed, so SQLite's next row id is the next sequence: no gap, no twin.
  absl::StatusOr<int64_t> InsertEvent(const JobEventBody& event, int64_t time_us) {
    MAE_ASSIGN_OR_RETURN(Statement insert,
                         database_->Prepare("INSERT INTO events (time_us, kind, body) VALUES (?, ?, ?)"));
    insert.Bind(1, time_us).Bind(2, JobEventKind(event)).Bind(3, std::string_view(JobEventToJson(event)));
    MAE_RETURN_IF_ERROR(insert.Run());
    return database_->last_insert_rowid();
  }

  absl::Status TakeBackProgress(int64_t step) {
    MAE_ASSIGN_OR_RETURN(const auto newest, NewestEvent<MetricsEvent>(*database_, "metrics"));
    if (!newest || newest->step <= step) return absl::OkStatus();
    MetricsEvent back{step, newest->total_steps, 0, newest->epochs, {}};
    if (back.total_steps > 0)
      back.epoch = static_cast<double>(back.epochs * step) / static_cast<double>(back.total_steps);
    return InsertEvent(back, absl::ToUnixMicros(absl::Now())).status();
  }

  absl::Status ExtendSeries(const MetricsEvent& event, int64_t time_us) {
    MAE_ASSIGN_OR_RETURN(Statement name, database_->Prepare("INSERT OR IGNORE INTO metrics VALUES (?)"));
    MAE_ASSIGN_OR_RETURN(Statement point,
                         database_->Prepare("INSERT OR REPLACE INTO series VALUES (?, ?, ?, ?, ?)"));
    for (const auto& [metric, value] : event.values) {
      name.Reset();
      MAE_RETURN_IF_ERROR(name.Bind(1, std::string_view(metric)).Run());
      point.Reset();
      point.Bind(1, std::string_view(metric)).Bind(2, event.step).Bind(3, event.epoch);
      BindValue(point, 4, value);
      MAE_RETURN_IF_ERROR(point.Bind(5, time_us).Run());
    }
    return absl::OkStatus();
  }

  std::unique_ptr<Database> database_;
};

class SqliteJobDbReader : public JobDbReader {
 public:
  SqliteJobDbReader(std::unique_ptr<Database> database, std::filesystem::path path)
      : database_(std::move(database)), path_(std::move(path)) {}

  absl::StatusOr<std::vector<JobEvent>> EventsAfter(int64_t after, int64_t limit) override {
    auto events = ReadEvents(after, limit);
    if (!absl::IsPermissionDenied(events.status())) return events;
    // A writer of several machines was killed since this was opened. Opening takes back what it left.
    MAE_ASSIGN_OR_RETURN(database_, Database::Open(path_, Database::Mode::kReadOnly));
    return ReadEvents(after, limit);
  }

  absl::StatusOr<JobSummary> Summary() override {
    JobSummary summary;
    MAE_RETURN_IF_ERROR(database_->Execute("BEGIN"));
    absl::Status status = Summarise(summary);
    status.Update(database_->Execute("ROLLBACK"));
    if (!status.ok()) return status;
    return summary;
  }

  absl::StatusOr<std::vector<std::string>> MetricNames() override {
    MAE_ASSIGN_OR_RETURN(
        Statement query,
        database_->Prepare("SELECT name FROM metrics WHERE EXISTS (SELECT 1 FROM series WHERE "
                           "metric = name) ORDER BY name"));
    std::vector<std::string> names;
    while (true) {
      MAE_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) return names;
      names.push_back(query.Text(0));
    }
  }

  absl::StatusOr<std::vector<MetricPoint>> Series(const std::string& metric, int64_t max_points) override {
    MAE_RETURN_IF_ERROR(database_->Execute("BEGIN"));
    std::vector<MetricPoint> points;
    absl::Status status = ReadThinned(metric, max_points, points);
    status.Update(database_->Execute("ROLLBACK"));
    if (!status.ok()) return status;
    return points;
  }

 private:
  absl::StatusOr<std::vector<JobEvent>> ReadEvents(int64_t after, int64_t limit) {
    MAE_ASSIGN_OR_RETURN(Statement query,
                         database_->Prepare("SELECT sequence, time_us, kind, body FROM events WHERE "
                                            "sequence > ? ORDER BY sequence LIMIT ?"));
    query.Bind(1, after).Bind(2, limit);
    std::vector<JobEvent> events;
    while (true) {
      MAE_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) return events;
      MAE_ASSIGN_OR_RETURN(JobEventBody body, JobEventFromJson(query.Text(2), query.Text(3)));
      events.push_back({query.Int(0), absl::FromUnixMicros(query.Int(1)), std::move(body)});
    }
  }

  // Inside a transaction, so that everything is of one moment.
  absl::Status Summarise(JobSummary& summary) {
    MAE_RETURN_IF_ERROR(ReadLastSequence(summary));
    MAE_ASSIGN_OR_RETURN(summary.state, NewestEvent<StateEvent>(*database_, "state"));
    MAE_ASSIGN_OR_RETURN(const auto metrics, NewestEvent<MetricsEvent>(*database_, "metrics"));
    if (metrics) summary.metrics = *metrics;
    MAE_ASSIGN_OR_RETURN(const auto checkpoint, NewestEvent<CheckpointEvent>(*database_, "checkpoint"));
    if (checkpoint) summary.checkpoint_step = checkpoint->step;
    MAE_ASSIGN_OR_RETURN(summary.checkpoint_time, NewestTime("checkpoint"));
    MAE_ASSIGN_OR_RETURN(summary.state_time, NewestTime("state"));
    MAE_ASSIGN_OR_RETURN(summary.restarts, CountRestarts());
    return ReadNewestValues(summary.metrics.values);
  }

  absl::Status ReadLastSequence(JobSummary& summary) {
    MAE_ASSIGN_OR_RETURN(Statement query,
                         database_->Prepare("SELECT coalesce(max(sequence), 0) FROM events"));
    MAE_RETURN_IF_ERROR(query.Step().status());
    summary.last_sequence = query.Int(0);
    return absl::OkStatus();
  }

  absl::StatusOr<std::optional<absl::Time>> NewestTime(std::string_view kind) {
    MAE_ASSIGN_OR_RETURN(Statement query,
                         database_->Prepare("SELECT max(time_us) FROM events WHERE kind = ?"));
    MAE_RETURN_IF_ERROR(query.Bind(1, kind).Step().status());
    if (query.IsNull(0)) return std::nullopt;
    return absl::FromUnixMicros(query.Int(0));
  }

  absl::StatusOr<int64_t> CountRestarts() {
    MAE_ASSIGN_OR_RETURN(Statement query,
                         database_->Prepare("SELECT count(*) FROM events WHERE kind = 'restart'"));
    MAE_RETURN_IF_ERROR(query.Step().status());
    return query.Int(0);
  }

  absl::Status ReadNewestValues(std::map<std::string, double>& values) {
    MAE_ASSIGN_OR_RETURN(
        Statement query,
        database_->Prepare("SELECT name, value FROM metrics JOIN series ON metric = name AND step = "
                           "(SELECT max(step) FROM series WHERE metric = name)"));
    values.clear();
    while (true) {
      MAE_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) return absl::OkStatus();
      values[query.Text(0)] = ValueAt(query, 1);
    }
  }

  absl::StatusOr<int64_t> CountPoints(const std::string& metric) {
    MAE_ASSIGN_OR_RETURN(Statement query, database_->Prepare("SELECT count(*) FROM series WHERE metric = ?"));
    MAE_RETURN_IF_ERROR(query.Bind(1, std::string_view(metric)).Step().status());
    return query.Int(0);
  }

  absl::Status ReadThinned(const std::string& metric, int64_t max_points, std::vector<MetricPoint>& points) {
    MAE_ASSIGN_OR_RETURN(const int64_t count, CountPoints(metric));
    const int64_t wanted = std::min(count, std::max<int64_t>(max_points, 1));
    MAE_ASSIGN_OR_RETURN(Statement query,
                         database_->Prepare("SELECT step, epoch, value, time_us FROM series WHERE "
                                            "metric = ? ORDER BY step"));
    query.Bind(1, std::string_view(metric));
    for (int64_t row = 0; row < count; ++row) {
      MAE_RETURN_IF_ERROR(query.Step().status());
      const auto kept = static_cast<int64_t>(points.size());
      // The k-th kept point is at k (count - 1) / (wanted - 1); a single one is the newest.
      const int64_t next = wanted == 1 ? count - 1 : kept * (count - 1) / (wanted - 1);
      if (row != next) continue;
      points.push_back(
          {query.Int(0), query.Double(1), ValueAt(query, 2), absl::FromUnixMicros(query.Int(3))});
    }
    return absl::OkStatus();
  }

  std::unique_ptr<Database> database_;
  const std::filesystem::path path_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<JobDbWriter>> JobDbWriter::Open(const std::filesystem::path& path,
                                                               JobDbReach reach) {
  const auto mode = reach == JobDbReach::kOneMachine ? Database::Mode::kReadWrite
                                                     : Database::Mode::kReadWriteOfSeveralMachines;
  MAE_ASSIGN_OR_RETURN(std::unique_ptr<Database> database, Database::Open(path, mode));
  MAE_RETURN_IF_ERROR(MakeSchema(*database, path));
  return std::make_unique<SqliteJobDbWriter>(std::move(database));
}

absl::Status MakeReachSeveralMachines(const std::filesystem::path& path) {
  MAE_ASSIGN_OR_RETURN(const auto database, Database::Open(path, Database::Mode::kReadWrite));
  MAE_ASSIGN_OR_RETURN(Statement change, database->Prepare("PRAGMA journal_mode=DELETE"));
  MAE_RETURN_IF_ERROR(change.Step().status());
  if (change.Text(0) == "delete") return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(path.string(), " is in use; try again"));
}

absl::StatusOr<std::unique_ptr<JobDbReader>> JobDbReader::Open(const std::filesystem::path& path) {
  MAE_ASSIGN_OR_RETURN(std::unique_ptr<Database> database, Database::Open(path, Database::Mode::kReadOnly));
  MAE_RETURN_IF_ERROR(CheckSchema(*database, path));
  return std::make_unique<SqliteJobDbReader>(std::move(database), path);
}

}  // namespace mae
