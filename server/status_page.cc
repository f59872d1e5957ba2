#include "server/status_page.h"

#include <chrono>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/durable_file.h"
#include "base/status_macros.h"
#include "job/job_db.h"

namespace mae {
namespace {

constexpr int64_t kMostShownJobs = 50, kMostPoints = 300;
constexpr size_t kMostShownModels = 200;
constexpr int64_t kMostPictureBytes = 16 << 20;
constexpr const char* kDrawn[] = {"loss",          "validation_loss", "accuracy",
                                  "learning_rate", "grad_norm",       "images_per_second"};

// Text that is no UTF-8 must not end a request.
std::string Dump(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

nlohmann::json SecondsOrNull(const std::optional<absl::Time>& time) {
  return time ? nlohmann::json(absl::ToDoubleSeconds(*time - absl::UnixEpoch())) : nlohmann::json();
}

void AddSummary(const JobSummary& summary, bool ended, nlohmann::json& out) {
  out["step"] = summary.metrics.step;
  out["total_steps"] = summary.metrics.total_steps;
  out["epoch"] = summary.metrics.epoch;
  out["epochs"] = summary.metrics.epochs;
  out["checkpoint_time"] = SecondsOrNull(summary.checkpoint_time);
  const auto add = [&](const char* name) {
    const auto value = summary.metrics.values.find(name);
    if (value != summary.metrics.values.end()) out["metrics"][name] = value->second;
  };
  for (const char* name : kDrawn) add(name);
  if (!ended) add("eta_seconds");
}

double UnixSeconds(std::filesystem::file_time_type time) {
  const auto since = std::chrono::file_clock::to_sys(time).time_since_epoch();
  return std::chrono::duration<double>(since).count();
}

// The last that was written: a run that went back to a checkpoint draws earlier epochs again.
std::filesystem::path NewestPicture(const std::filesystem::path& folder) {
  std::filesystem::path newest;
  std::filesystem::file_time_type when = std::filesystem::file_time_type::min();
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;
    const auto written = entry->last_write_time(gone);
    if (gone || entry->path().extension() != ".png" || written < when) continue;
    if (written == when && entry->path() < newest) continue;
    newest = entry->path();
    when = written;
  }
  return newest;
}

}  // namespace

absl::StatusOr<HttpBody> StatusPage::Answer(const std::string& path) const {
  constexpr char kJson[] = "application/json";
  if (path == "/") return HttpBody{"text/html; charset=utf-8", StatusPageHtml()};
  const std::vector<std::string> parts = absl::StrSplit(path, '/');  // "", "api", "jobs", "ID", "curves"
  HttpBody body{kJson, ""};
  if (path == "/api/jobs") {
    MAE_ASSIGN_OR_RETURN(body.bytes, Jobs());
  } else if (path == "/api/models") {
    MAE_ASSIGN_OR_RETURN(body.bytes, Models());
  } else if (parts.size() == 5 && parts[2] == "jobs" && parts[4] == "curves") {
    MAE_ASSIGN_OR_RETURN(const JobFolder folder, FolderOf(parts[3]));
    MAE_ASSIGN_OR_RETURN(body.bytes, Curves(folder));
  } else if (parts.size() == 5 && parts[2] == "jobs" && parts[4] == "picture") {
    MAE_ASSIGN_OR_RETURN(const JobFolder folder, FolderOf(parts[3]));
    MAE_ASSIGN_OR_RETURN(body.bytes, Picture(folder));
    body.type = "image/png";
  } else {
    return absl::NotFoundError("no such page");
  }
  return body;
}

// A row is there only under a name that the server gave, so no id leads out of the folder of jobs.
absl::StatusOr<JobFolder> StatusPage::FolderOf(const std::string& id) const {
  MAE_ASSIGN_OR_RETURN(const JobRecord record, table_.Find(id));
  return ledger_.Folder(record.id);
}

absl::StatusOr<std::string> StatusPage::Jobs() const {
  MAE_RETURN_IF_ERROR(ledger_.NoteRunning());
  MAE_ASSIGN_OR_RETURN(const auto records, table_.List(0, kMostShownJobs, {}));
  MAE_ASSIGN_OR_RETURN(const auto counts, table_.CountByState());
  int64_t all = 0;
  for (const auto& [state, count] : counts) all += count;
  nlohmann::json jobs = nlohmann::json::array();
  for (const JobRecord& record : records) {
    nlohmann::json job = {{"job", record.id},
                          {"kind", record.kind},
                          {"recipe", record.recipe},
                          {"model", record.model},
                          {"state", std::string(JobStateName(record.state))},
                          {"error", std::string(record.error.message())},
                          {"start_time", SecondsOrNull(record.started)},
                          {"end_time", SecondsOrNull(record.ended)}};
    const auto summary = summaries_.Of(record);
    if (summary.ok()) AddSummary(*summary, IsEnded(record.state), job);
    jobs.push_back(std::move(job));
  }
  return Dump({{"jobs", std::move(jobs)}, {"all", all}});
}

absl::StatusOr<std::string> StatusPage::Models() const {
  MAE_ASSIGN_OR_RETURN(const auto records, models_.List());
  std::map<std::string, std::vector<int64_t>> loaded;
  for (const auto& [model, version] : models_.Loaded()) loaded[model].push_back(version);
  nlohmann::json models = nlohmann::json::array();
  for (const ModelRecord& record : records) {
    if (models.size() == kMostShownModels) break;
    const ModelVersion& newest = record.versions.front();
    nlohmann::json model = {{"model", record.model},         {"kind", newest.config.kind_name()},
                            {"newest", newest.version},      {"versions", record.versions.size()},
                            {"aliases", record.aliases},     {"metrics", nlohmann::json::object()},
                            {"loaded", loaded[record.model]}};
    for (const char* name : {"accuracy", "validation_loss"}) {
      const auto value = newest.card.metrics.find(name);
      if (value != newest.card.metrics.end()) model["metrics"][name] = value->second;
    }
    models.push_back(std::move(model));
  }
  return Dump({{"models", std::move(models)}, {"all", records.size()}});
}

absl::StatusOr<std::string> StatusPage::Curves(const JobFolder& folder) const {
  MAE_ASSIGN_OR_RETURN(const auto reader, JobDbReader::Open(folder.database()));
  nlohmann::json all = nlohmann::json::object();
  for (const char* name : kDrawn) {
    MAE_ASSIGN_OR_RETURN(const auto series, reader->Series(name, kMostPoints));
    if (series.empty()) continue;
    nlohmann::json& points = all[name] = nlohmann::json::array();
    for (const MetricPoint& point : series) points.push_back({point.step, point.value});
  }
  const std::filesystem::path picture = NewestPicture(folder.samples());
  std::error_code gone;
  const auto written = std::filesystem::last_write_time(picture, gone);
  return Dump({{"series", std::move(all)},
               {"picture", picture.stem().string()},
               {"picture_time", gone ? 0.0 : UnixSeconds(written)}});
}

absl::StatusOr<std::string> StatusPage::Picture(const JobFolder& folder) const {
  const std::filesystem::path path = NewestPicture(folder.samples());
  if (path.empty()) return absl::NotFoundError("there is no picture");
  return ReadFile(path, kMostPictureBytes);
}

}  // namespace mae
