#include "server/job_table.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"

namespace mae {
namespace {

constexpr char kSchema[] = R"sql(
  CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    recipe TEXT NOT NULL,
    model TEXT NOT NULL,
    spec TEXT NOT NULL,
    request_id TEXT UNIQUE,
    request_hash TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    state TEXT NOT NULL,
    error_code INTEGER NOT NULL,
    error_message TEXT NOT NULL,
    started_us INTEGER,
    ended_us INTEGER,
    published_version TEXT NOT NULL,
    queue_order INTEGER NOT NULL,
    run_sequence INTEGER NOT NULL,
    stop_at_once INTEGER NOT NULL,
    trainer_pid INTEGER,
    trainer_start_ticks INTEGER,
    alias_moves TEXT NOT NULL DEFAULT '[]');
  CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, queue_order);
  CREATE INDEX IF NOT EXISTS jobs_by_end ON jobs (ended_us);
)sql";

constexpr char kColumns[] =
    "number, id, kind, recipe, model, spec, request_id, request_hash, created_us, state, error_code, "
    "error_message, "
    "started_us, ended_us, published_version, queue_order, run_sequence, stop_at_once, trainer_pid, "
    "trainer_start_ticks, alias_moves";

std::string MovesToJson(const std::vector<AliasMove>& moves) {
  nlohmann::json out = nlohmann::json::array();
  for (const AliasMove& move : moves) {
    out.push_back({{"alias", move.alias}, {"moved", move.moved}, {"reason", move.reason}});
  }
  // A reason may hold the name of a dataset, as the disk has it: bytes that are no UTF-8 would throw.
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// What is not as MovesToJson writes it is left out: it is for people only.
std::vector<AliasMove> MovesFromJson(const std::string& text) {
  const auto in = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  std::vector<AliasMove> moves;
  for (const auto& move : in.is_array() ? in : nlohmann::json::array()) {
    if (!move.is_object()) continue;
    const auto text_of = [&](const char* name) {
      const auto it = move.find(name);
      return it != move.end() && it->is_string() ? it->get<std::string>() : std::string();
    };
    const auto moved = move.find("moved");
    moves.push_back({text_of("alias"), moved != move.end() && moved->is_boolean() && moved->get<bool>(),
                     text_of("reason")});
  }
  return moves;
}

void BindTime(Statement& statement, int index, const std::optional<absl::Time>& time) {
  if (time) {
    statement.Bind(index, absl::ToUnixMicros(*time));
  } else {
    statement.BindNull(index);
  }
}

void BindText(Statement& statement, int index, const std::string& text) {
  statement.Bind(index, std::string_view(text));
}

// The columns that Update writes, as parameters 1 to 13.
void BindChanging(Statement& statement, const JobRecord& record) {
  statement.Bind(1, JobStateName(record.state)).Bind(2, static_cast<int64_t>(record.error.code()));
  BindText(statement, 3, std::string(record.error.message()));
  BindTime(statement, 4, record.started);
  BindTime(statement, 5, record.ended);
  BindText(statement, 6, record.published_version);
  statement.Bind(7, record.queue_order).Bind(8, record.run_sequence).Bind(9, int64_t{record.stop_at_once});
  if (record.trainer) {
    statement.Bind(10, int64_t{record.trainer->pid})
        .Bind(11, static_cast<int64_t>(record.trainer->start_ticks));
  } else {
    statement.BindNull(10).BindNull(11);
  }
  BindText(statement, 12, MovesToJson(record.alias_moves));
  BindText(statement, 13, record.spec);
}

std::optional<absl::Time> TimeAt(const Statement& row, int column) {
  if (row.IsNull(column)) return std::nullopt;
  return absl::FromUnixMicros(row.Int(column));
}

absl::StatusOr<JobRecord> RecordAt(const Statement& row) {
  JobRecord record;
  record.number = row.Int(0);
  record.id = row.Text(1);
  record.kind = row.Text(2);
  record.recipe = row.Text(3);
  record.model = row.Text(4);
  record.spec = row.Text(5);
  record.request_id = row.IsNull(6) ? "" : row.Text(6);
  record.request_hash = row.Text(7);
  record.created = absl::FromUnixMicros(row.Int(8));
  MAE_ASSIGN_OR_RETURN(record.state, JobStateFromName(row.Text(9)));
  record.error = absl::Status(static_cast<absl::StatusCode>(row.Int(10)), row.Text(11));
  record.started = TimeAt(row, 12);
  record.ended = TimeAt(row, 13);
  record.published_version = row.Text(14);
  record.queue_order = row.Int(15);
  record.run_sequence = row.Int(16);
  record.stop_at_once = row.Int(17) != 0;
  if (!row.IsNull(18)) {
    record.trainer = ProcessIdentity{static_cast<pid_t>(row.Int(18)), static_cast<uint64_t>(row.Int(19))};
  }
  record.alias_moves = MovesFromJson(row.Text(20));
  return record;
}

absl::StatusOr<std::vector<JobRecord>> RecordsOf(Statement& query) {
  std::vector<JobRecord> records;
  while (true) {
    MAE_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return records;
    MAE_ASSIGN_OR_RETURN(JobRecord record, RecordAt(query));
    records.push_back(std::move(record));
  }
}

std::string IsActiveSince(absl::Time since) {
  return absl::StrCat(
      "(state IN ('STARTING', 'RUNNING', 'STOPPING') OR ended_us >= ", absl::ToUnixMicros(since), ")");
}

std::optional<JobRecord> First(std::vector<JobRecord> records) {
  if (records.empty()) return std::nullopt;
  return std::move(records.front());
}

}  // namespace

std::string JobResourceName(const JobRecord& record) { return absl::StrCat("jobs/", record.id); }

absl::StatusOr<std::unique_ptr<JobTable>> JobTable::Create(Database& database, absl::Mutex& mutex) {
  absl::MutexLock lock(&mutex);
  MAE_RETURN_IF_ERROR(database.Execute(kSchema));
  return std::unique_ptr<JobTable>(new JobTable(database, mutex));
}

absl::Status JobTable::Insert(JobRecord& record) {
  MAE_ASSIGN_OR_RETURN(record.queue_order, LastQueueOrder());
  absl::MutexLock lock(&mutex_);
  MAE_ASSIGN_OR_RETURN(
      Statement insert,
      database_.Prepare(
          "INSERT INTO jobs (state, error_code, error_message, started_us, ended_us, published_version, "
          "queue_order, run_sequence, stop_at_once, trainer_pid, trainer_start_ticks, alias_moves, spec, id, "
          "kind, recipe, model, request_id, request_hash, created_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
          "?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  BindChanging(insert, record);
  BindText(insert, 14, record.id);
  BindText(insert, 15, record.kind);
  BindText(insert, 16, record.recipe);
  BindText(insert, 17, record.model);
  if (record.request_id.empty()) {
    insert.BindNull(18);
  } else {
    BindText(insert, 18, record.request_id);
  }
  BindText(insert, 19, record.request_hash);
  MAE_RETURN_IF_ERROR(insert.Bind(20, absl::ToUnixMicros(record.created)).Run());
  record.number = database_.last_insert_rowid();
  return absl::OkStatus();
}

absl::Status JobTable::Update(const JobRecord& record) {
  absl::MutexLock lock(&mutex_);
  MAE_ASSIGN_OR_RETURN(
      Statement update,
      database_.Prepare(
          "UPDATE jobs SET state = ?, error_code = ?, error_message = ?, started_us = ?, ended_us = ?, "
          "published_version = ?, queue_order = ?, run_sequence = ?, stop_at_once = ?, trainer_pid = ?, "
          "trainer_start_ticks = ?, alias_moves = ?, spec = ? WHERE id = ? RETURNING id"));
  BindChanging(update, record);
  BindText(update, 14, record.id);
  MAE_ASSIGN_OR_RETURN(const bool updated, update.Step());
  if (!updated) return absl::NotFoundError(absl::StrCat("jobs/", record.id, " does not exist"));
  return update.Run();
}

absl::Status JobTable::Delete(const std::string& id) {
  absl::MutexLock lock(&mutex_);
  MAE_ASSIGN_OR_RETURN(Statement remove, database_.Prepare("DELETE FROM jobs WHERE id = ?"));
  return remove.Bind(1, std::string_view(id)).Run();
}

absl::StatusOr<std::vector<JobRecord>> JobTable::Select(const std::string& condition,
                                                        const std::vector<std::string>& texts) const {
  absl::MutexLock lock(&mutex_);
  MAE_ASSIGN_OR_RETURN(Statement query,
                       database_.Prepare(absl::StrCat("SELECT ", kColumns, " FROM jobs ", condition)));
  for (size_t i = 0; i < texts.size(); ++i) BindText(query, static_cast<int>(i) + 1, texts[i]);
  return RecordsOf(query);
}

absl::StatusOr<int64_t> JobTable::SelectInt(const std::string& sql) const {
  absl::MutexLock lock(&mutex_);
  MAE_ASSIGN_OR_RETURN(Statement query, database_.Prepare(sql));
  MAE_RETURN_IF_ERROR(query.Step().status());
  return query.Int(0);
}

absl::StatusOr<JobRecord> JobTable::Find(const std::string& id) const {
  MAE_ASSIGN_OR_RETURN(std::vector<JobRecord> records, Select("WHERE id = ?", {id}));
  if (records.empty()) {
    return absl::NotFoundError(absl::StrCat("jobs/", id, " does not exist; list-jobs shows those that do"));
  }
  return std::move(records.front());
}

absl::StatusOr<std::optional<JobRecord>> JobTable::FindByRequest(const std::string& request_id) const {
  MAE_ASSIGN_OR_RETURN(std::vector<JobRecord> records, Select("WHERE request_id = ?", {request_id}));
  return First(std::move(records));
}

absl::StatusOr<std::vector<JobRecord>> JobTable::List(int64_t before, int64_t limit,
                                                      const std::vector<JobState>& states) const {
  std::string condition = before > 0 ? absl::StrCat("WHERE number < ", before) : "WHERE number > 0";
  std::vector<std::string> names;
  for (const JobState state : states) names.emplace_back(JobStateName(state));
  if (!names.empty()) {
    absl::StrAppend(&condition, " AND state IN (",
                    absl::StrJoin(std::vector<std::string>(names.size(), "?"), ", "), ")");
  }
  return Select(absl::StrCat(condition, " ORDER BY number DESC LIMIT ", limit), names);
}

absl::StatusOr<std::vector<JobRecord>> JobTable::ListActiveSince(absl::Time since, int64_t limit) const {
  return Select(absl::StrCat("WHERE ", IsActiveSince(since),
                             " ORDER BY ended_us IS NOT NULL, number DESC LIMIT ", limit),
                {});
}

absl::StatusOr<int64_t> JobTable::CountActiveSince(absl::Time since) const {
  return SelectInt(absl::StrCat("SELECT count(*) FROM jobs WHERE ", IsActiveSince(since)));
}

absl::StatusOr<std::optional<JobRecord>> JobTable::NextQueued() const {
  MAE_ASSIGN_OR_RETURN(std::vector<JobRecord> records,
                       Select("WHERE state = 'QUEUED' ORDER BY queue_order LIMIT 1", {}));
  return First(std::move(records));
}

absl::StatusOr<int64_t> JobTable::LastQueueOrder() const {
  return SelectInt("SELECT coalesce(max(queue_order), 0) + 1 FROM jobs");
}

absl::StatusOr<int64_t> JobTable::CountQueuedBefore(int64_t queue_order) const {
  return SelectInt(
      absl::StrCat("SELECT count(*) FROM jobs WHERE state = 'QUEUED' AND queue_order < ", queue_order));
}

absl::StatusOr<std::map<JobState, int64_t>> JobTable::CountByState() const {
  absl::MutexLock lock(&mutex_);
  MAE_ASSIGN_OR_RETURN(Statement query, database_.Prepare("SELECT state, count(*) FROM jobs GROUP BY state"));
  std::map<JobState, int64_t> counts;
  while (true) {
    MAE_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return counts;
    MAE_ASSIGN_OR_RETURN(const JobState state, JobStateFromName(query.Text(0)));
    counts[state] = query.Int(1);
  }
}

}  // namespace mae
