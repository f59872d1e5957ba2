#include "tests/chaos/invariants.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/durable_file.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

using Job = v1::Job;

constexpr absl::Duration kEndPatience = absl::Seconds(20);

std::set<std::string> NamesIn(const fs::path& folder) {
  std::set<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    names.insert(it->path().filename());
  return names;
}

std::set<std::string> FoldersTwoBelow(const fs::path& folder) {
  std::set<std::string> below;
  for (const std::string& first : NamesIn(folder)) {
    for (const std::string& second : NamesIn(folder / first)) below.insert(absl::StrCat(first, "/", second));
  }
  return below;
}

int64_t CountOn(const fs::path& folder) { return static_cast<int64_t>(ProcessesOn(folder).size()); }

// Which state may follow which in what a watcher is told.
bool MayFollow(Job::State before, Job::State after) {
  static const std::map<Job::State, std::set<Job::State>> next = {
      {Job::STATE_UNSPECIFIED, {Job::QUEUED}},
      // RUNNING: its trainer was started by a server that died before it could say so.
      {Job::QUEUED, {Job::STARTING, Job::RUNNING, Job::STOPPED, Job::FAILED, Job::QUEUED}},
      // QUEUED: that server died before the trainer was started. STARTING: it could not note the first.
      {Job::STARTING, {Job::RUNNING, Job::STOPPED, Job::FAILED, Job::QUEUED, Job::STARTING}},
      {Job::RUNNING, {Job::STOPPED, Job::SUCCEEDED, Job::FAILED, Job::QUEUED}},
      // The same again, or going on where the first answer could not be kept.
      {Job::STOPPED, {Job::QUEUED, Job::STOPPED, Job::STARTING, Job::FAILED}},
      {Job::FAILED, {Job::QUEUED, Job::FAILED}},
      // A second trainer, of a server that could not know of the first, leaves without a word.
      {Job::SUCCEEDED, {}},
      {Job::STOPPING, {}},
  };
  return next.at(before).contains(after);
}

}  // namespace

std::vector<std::pair<pid_t, std::string>> ProcessesOn(const fs::path& folder) {
  std::vector<std::pair<pid_t, std::string>> found;
  for (const std::string& name : NamesIn("/proc")) {
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string command =
        ReadFile(absl::StrCat("/proc/", name, "/cmdline")).value_or("");  // it may go now
    if (!absl::StrContains(command, folder.string()) || std::stoi(name) == getpid()) continue;
    found.emplace_back(std::stoi(name), absl::StrReplaceAll(command, {{std::string(1, '\0'), " "}}));
  }
  return found;
}

void Invariants::AfterStart() {
  std::vector<v1::CreateJobRequest> unanswered;
  unanswered.swap(known_.unanswered_jobs);
  for (const auto& request : unanswered)
    journal_.Check(jobs_.Send(request) != nullptr,
                   "a request to make a job is refused when it is sent again");
  // What could not be removed at once, without descriptors perhaps, the start has removed.
  journal_.Check(NamesIn(server_.data() / "transfers").empty(), "transfers/ is not empty");
  for (KnownJob& job : known_.jobs) job.may_be_resumed = false;
  Jobs();
  Models();
}

std::vector<v1::Job> Invariants::ListedJobs() {
  v1::ListJobsRequest request;
  request.set_page_size(1000);
  v1::ListJobsResponse response;
  const auto status = server_.jobs().ListJobs(CallContext().get(), request, &response);
  journal_.Check(status.ok(), "jobs can't be listed: " + status.error_message());
  return {response.jobs().begin(), response.jobs().end()};
}

void Invariants::Jobs() {
  const std::vector<v1::Job> listed = ListedJobs();
  std::set<std::string> names;
  for (const v1::Job& job : listed) names.insert(job.name());
  journal_.Check(names.size() == listed.size(), "a job is listed twice");
  for (KnownJob& job : known_.jobs) {
    const bool is_there = names.erase(job.name) == 1;
    if (job.presence == Presence::kUnknown) job.presence = is_there ? Presence::kThere : Presence::kGone;
    journal_.Check(is_there == (job.presence == Presence::kThere),
                   job.name + (is_there ? " was deleted, that was acknowledged, and it is there again"
                                        : " was acknowledged, and is gone"));
    if (!is_there) continue;
    journal_.Check(jobs_.Get(job).has_value(), job.name + " is listed and can't be read");
    journal_.Check(jobs_.Watch(job), job.name + " can't be watched up to its newest event");
  }
  journal_.Check(names.empty(), "jobs that nobody asked for: " + absl::StrJoin(names, ", "));
  JobFolders(listed);
  Trainers(listed);
}

void Invariants::JobFolders(const std::vector<v1::Job>& listed) {
  std::set<std::string> folders = NamesIn(server_.data() / "jobs");
  for (const v1::Job& job : listed)
    journal_.Check(folders.erase(job.name().substr(5)) == 1, job.name() + " has no folder");
  journal_.Check(folders.empty(), "in jobs/ is left: " + absl::StrJoin(folders, ", "));
}

void Invariants::Trainers(const std::vector<v1::Job>& listed) {
  for (const v1::Job& job : listed) {
    const fs::path folder = server_.data() / job.name();
    // One that finds the folder locked is a second process until it has seen that: for a second.
    const int64_t may_live = HasEnded(job) ? 0 : 1;
    const bool so_many = Eventually([&] { return CountOn(folder) <= may_live; }, kEndPatience);
    journal_.Check(so_many,
                   absl::StrCat(job.name(), " has ", CountOn(folder), " trainers, and may have ", may_live));
  }
}

std::vector<v1::Model> Invariants::ListedModels() {
  v1::ListModelsRequest request;
  request.set_page_size(1000);
  v1::ListModelsResponse response;
  const auto status = server_.models().ListModels(CallContext().get(), request, &response);
  journal_.Check(status.ok(), "models can't be listed: " + status.error_message());
  return {response.models().begin(), response.models().end()};
}

void Invariants::Models() {
  std::vector<std::pair<std::string, int64_t>> listed;
  std::map<std::string, int64_t> made_by;
  for (const v1::Model& model : ListedModels()) {
    const std::string name = model.name().substr(7);
    for (const v1::ModelVersion& version : model.versions()) {
      listed.emplace_back(name, version.version());
      Version(name, version);
      if (!version.job().empty())
        journal_.Check(++made_by[version.job()] == 1, version.job() + " has published twice");
    }
    Aliases(model);
  }
  for (auto& [version, known] : known_.versions) {
    const bool is_there = std::find(listed.begin(), listed.end(), version) != listed.end();
    if (known.presence == Presence::kUnknown) known.presence = is_there ? Presence::kThere : Presence::kGone;
    journal_.Check(is_there == (known.presence == Presence::kThere),
                   absl::StrCat("models/", version.first, "/versions/", version.second,
                                is_there ? " was deleted, that was acknowledged, and it is there again"
                                         : " was acknowledged, and is gone"));
  }
  ModelFolders();
}

void Invariants::Version(const std::string& model, const v1::ModelVersion& version) {
  const auto [at, is_new] = known_.versions.try_emplace({model, version.version()});
  KnownVersion& known = at->second;
  if (is_new && version.job().empty()) {
    journal_.Check(known_.unanswered_imports-- > 0, version.name() + " was published by nobody");
  }
  if (known.sha256.empty()) known.sha256 = version.sha256();
  journal_.Check(known.sha256 == version.sha256(), version.name() + " has other weights than before");
  const auto weights =
      ReadFile(server_.data() / "models" / model / absl::StrCat(version.version()) / "model.safetensors");
  journal_.Check(weights.ok() && Sha256Hex(*weights) == version.sha256(),
                 version.name() + " has not the weights that its card tells of");
  v1::LoadModelRequest load;
  load.set_name(version.name());
  v1::ModelVersion loaded;
  const auto status = server_.models().LoadModel(CallContext().get(), load, &loaded);
  journal_.Check(status.ok(), version.name() + " can't be loaded: " + status.error_message());
}

void Invariants::Aliases(const v1::Model& model) {
  const std::string name = model.name().substr(7);
  std::set<int64_t> versions;
  for (const v1::ModelVersion& version : model.versions()) versions.insert(version.version());
  for (const auto& [alias, version] : model.aliases()) {
    journal_.Check(
        versions.contains(version),
        absl::StrCat("alias ", alias, " of ", name, " stands for version ", version, ", which is not there"));
    if (alias == "latest") {
      journal_.Check(version == *versions.rbegin(), name + "@latest is not the newest version");
    } else {
      journal_.Check(known_.aliases.contains({name, alias}), "nobody has set alias " + alias + " of " + name);
    }
  }
  for (auto& [key, may] : known_.aliases) {
    if (key.first != name) continue;
    const auto stands = model.aliases().find(key.second);
    const int64_t version = stands == model.aliases().end() ? 0 : stands->second;
    journal_.Check(may.contains(version),
                   absl::StrCat("alias ", key.second, " of ", name, " stands for version ", version,
                                ", set was ", absl::StrJoin(may, " or ")));
    may = {version};
  }
}

// A job that ended may just be being published, so a moment is allowed in which they differ. A fault after
// the files have moved leaves them hidden until the next publishing or start.
void Invariants::ModelFolders() {
  std::set<std::string> listed, folders;
  const auto agree = [&] {
    listed.clear();
    for (const v1::Model& model : ListedModels()) {
      for (const v1::ModelVersion& version : model.versions())
        listed.insert(absl::StrCat(model.name().substr(7), "/", version.version()));
    }
    folders = FoldersTwoBelow(server_.data() / "models");
    const bool may_hide = server_.page().hits > 0;
    return listed == folders ||
           (may_hide && std::includes(folders.begin(), folders.end(), listed.begin(), listed.end()));
  };
  if (!Eventually(agree, kEndPatience)) {
    journal_.Check(false, absl::StrCat("models are ", absl::StrJoin(listed, ", "), ", and in models/ is ",
                                       absl::StrJoin(folders, ", ")));
  }
  const std::set<std::string> wanted = {"card.json", "config.json", "model.safetensors"};
  for (const std::string& folder : listed) {
    const std::set<std::string> files = NamesIn(server_.data() / "models" / folder);
    journal_.Check(files == wanted, "models/" + folder + " has the files " + absl::StrJoin(files, ", "));
  }
}

void Invariants::AfterEnds() {
  for (KnownJob& job : known_.jobs) {
    if (job.presence != Presence::kThere) continue;
    const auto shown = jobs_.Get(job);
    if (!shown || !journal_.Check(HasEnded(*shown), job.name + " does not end")) continue;
    journal_.Check(jobs_.Watch(job), job.name + " can't be watched up to its newest event");
    History(job, *shown);
    Metrics(job, *shown);
  }
}

void Invariants::History(const KnownJob& job, const v1::Job& shown) {
  Job::State last = Job::STATE_UNSPECIFIED;
  for (const auto& [sequence, event] : job.events) {
    if (!event.has_state()) continue;
    journal_.Check(MayFollow(last, event.state().state()),
                   absl::StrCat(job.name, ": event ", sequence, " is ",
                                Job::State_Name(event.state().state()), " after ", Job::State_Name(last)));
    last = event.state().state();
  }
  // A resume that was cut short leaves its event and the row as it was: nobody was told that it runs.
  const bool resume_was_cut_short = last == Job::QUEUED && shown.state() != Job::SUCCEEDED;
  journal_.Check(last == shown.state() || resume_was_cut_short,
                 job.name + " is " + Job::State_Name(shown.state()) + ", and its last event says " +
                     Job::State_Name(last));
}

void Invariants::Metrics(const KnownJob& job, const v1::Job& shown) {
  std::set<int64_t> told;
  for (const auto& [sequence, event] : job.events) {
    if (event.has_metrics() && event.metrics().values().contains("loss")) told.insert(event.metrics().step());
  }
  if (told.empty()) return;
  v1::QueryMetricsRequest request;
  request.set_name(job.name);
  request.add_metrics("loss");
  request.set_max_points(10000);
  v1::QueryMetricsResponse response;
  const auto status = server_.jobs().QueryMetrics(CallContext().get(), request, &response);
  if (!journal_.Check(status.ok(), job.name + " has no loss: " + status.error_message())) return;
  std::vector<int64_t> steps;
  for (const auto& point : response.series(0).points()) steps.push_back(point.step());
  journal_.Check(std::adjacent_find(steps.begin(), steps.end(), std::greater_equal<>()) == steps.end(),
                 job.name + " has a step twice or out of order: " + absl::StrJoin(steps, " "));
  journal_.Check(std::set<int64_t>(steps.begin(), steps.end()) == told,
                 absl::StrCat(job.name, " was watched at steps ", absl::StrJoin(told, " "),
                              " and has a series of ", absl::StrJoin(steps, " ")));
  if (server_.options().puppet_trainer || shown.state() != Job::SUCCEEDED) return;
  const auto whole = static_cast<size_t>(shown.progress().total_steps());
  journal_.Check(steps.size() == whole && steps.front() == 1,
                 absl::StrCat(job.name, " made ", whole, " steps and has ", absl::StrJoin(steps, " ")));
}

void Invariants::NothingLeft() {
  const auto gone = [&] { return ProcessesOn(server_.data()).empty(); };
  if (!Eventually(gone, kEndPatience)) {
    for (const auto& [pid, command] : ProcessesOn(server_.data()))
      journal_.Check(false, "still runs: " + command);
  }
  for (const auto& entry : fs::recursive_directory_iterator(server_.data())) {
    const std::string name = entry.path().filename();
    // What a delete could not remove is swept by a start, after which JobFolders would find it.
    journal_.Check(!absl::StrContains(name, ".tmp"),
                   "is left: " + entry.path().lexically_relative(server_.data()).string());
  }
}

}  // namespace mae
