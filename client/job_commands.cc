#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "client/job_progress.h"
#include "client/output.h"
#include "client/readable.h"
#include "client/resource_name.h"
#include "client/table.h"
#include "client/verb_registry.h"
#include "client/watch_command.h"
#include "mae/v1/job.grpc.pb.h"
#include "recipe/from_model.h"
#include "recipe/recipe_yaml.h"

namespace mae {
namespace {

constexpr int kPageSize = 1000;

std::string KindOf(const v1::Job& job) { return KindNameOf(job.spec()); }

std::string Percent(const v1::Progress& progress) {
  if (progress.total_steps() <= 0) return "";
  return absl::StrCat(progress.step() * 100 / progress.total_steps(), " %");
}

std::string Metric(const v1::Progress& progress, const std::string& name) {
  const auto value = progress.metrics().find(name);
  return value == progress.metrics().end() ? "" : ReadableNumber(value->second);
}

std::string JobsTable(const v1::ListJobsResponse& response) {
  Table table({"JOB", "STATE", "KIND", "RECIPE", "DATASET", "DONE", "LOSS", "CREATED", "PUBLISHED"});
  for (const v1::Job& job : response.jobs()) {
    table.Add({ShortName(job.name()), v1::Job::State_Name(job.state()), KindOf(job), job.recipe(),
               job.spec().data().dataset(), Percent(job.progress()), Metric(job.progress(), "loss"),
               TimeAgo(job.create_time(), absl::Now()), job.published_version()});
  }
  return table.Text();
}

std::string When(const google::protobuf::Timestamp& time) {
  const std::string local = LocalTime(time);
  return local == "-" ? "" : absl::StrCat(local, " (", TimeAgo(time, absl::Now()), ")");
}

std::string ProgressText(const v1::Progress& progress) {
  if (progress.total_steps() <= 0) return "";
  return absl::StrFormat("%s  step %d/%d  epoch %.2f/%d", Percent(progress), progress.step(),
                         progress.total_steps(), progress.epoch(), progress.epochs());
}

std::string AliasesText(const v1::Job& job) {
  return absl::StrJoin(job.alias_moves(), "; ", [](std::string* out, const v1::AliasMove& move) {
    absl::StrAppend(out, AliasMoveText(move));
  });
}

// Nothing of one process that chooses its device itself.
std::string ResourcesText(const v1::ResourceSpec& resources) {
  std::vector<std::string> parts;
  if (resources.processes() > 1) parts.push_back(absl::StrCat(resources.processes(), " processes"));
  if (resources.threads() > 0) parts.push_back(absl::StrCat(resources.threads(), " threads"));
  if (!resources.device().empty() && resources.device() != "auto") parts.push_back(resources.device());
  if (resources.launcher() == v1::LAUNCHER_SLURM) parts.push_back("by Slurm");
  return absl::StrJoin(parts, ", ");
}

std::string JobFields(const v1::Job& job) {
  const auto& metrics = job.progress().metrics();
  const std::string checkpoint =
      job.progress().checkpoint_step() > 0 ? absl::StrCat("step ", job.progress().checkpoint_step()) : "";
  return FieldLines(
      {{"job", job.name()},
       {"state", v1::Job::State_Name(job.state())},
       {"error", job.error().message()},
       {"pending", job.pending_reason()},
       {"kind", KindOf(job)},
       {"recipe", job.recipe()},
       {"dataset", job.spec().data().dataset()},
       {"progress", ProgressText(job.progress())},
       {"metrics", MetricsText({metrics.begin(), metrics.end()})},
       {"resources", ResourcesText(job.spec().resources())},
       {"checkpoint", checkpoint},
       {"restarts", job.progress().restarts() > 0 ? absl::StrCat(job.progress().restarts()) : ""},
       {"published", job.published_version()},
       {"aliases", AliasesText(job)},
       {"created", When(job.create_time())},
       {"started", When(job.start_time())},
       {"ended", When(job.end_time())}});
}

absl::StatusOr<v1::Job::State> StateFrom(const std::string& text) {
  v1::Job::State state = v1::Job::STATE_UNSPECIFIED;
  if (v1::Job::State_Parse(absl::AsciiStrToUpper(text), &state) && state != v1::Job::STATE_UNSPECIFIED)
    return state;
  return absl::InvalidArgumentError(
      absl::StrCat("--state ", text,
                   " is unknown: use queued, starting, running, stopping, stopped, "
                   "succeeded or failed"));
}

struct ListOptions {
  std::vector<std::string> states;
  int limit = 50;
};

absl::Status ListJobs(Session& session, const ListOptions& options) {
  v1::ListJobsRequest request;
  for (const std::string& text : options.states) {
    MAE_ASSIGN_OR_RETURN(const v1::Job::State state, StateFrom(text));
    request.add_states(state);
  }
  v1::ListJobsResponse all;
  do {
    const int left = options.limit - all.jobs_size();
    request.set_page_size(options.limit > 0 ? std::min(left, kPageSize) : kPageSize);
    MAE_ASSIGN_OR_RETURN(const auto page,
                         session.Call<v1::JobService>(&v1::JobService::Stub::ListJobs, request));
    all.mutable_jobs()->MergeFrom(page.jobs());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && (options.limit == 0 || all.jobs_size() < options.limit));
  if (!request.page_token().empty()) {
    session.Note(absl::StrCat("the newest ", all.jobs_size(), "; all with --limit 0"));
  }
  if (all.jobs().empty()) session.Note("no jobs yet: start one with `mae_client start-pretrain --recipe …`");
  return WriteMessage(session.options.format, all, [&] { return JobsTable(all); });
}

/// The verbs that name one job and answer with it.
template <typename Request>
absl::Status OneJob(Session& session, const std::string& name,
                    grpc::Status (v1::JobService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                 v1::Job*),
                    Request request = Request()) {
  request.set_name(ResourceName("jobs", name));
  MAE_ASSIGN_OR_RETURN(const v1::Job job, session.Call<v1::JobService>(method, request));
  return WriteMessage(session.options.format, job, [&] { return JobFields(job); });
}

absl::Status DeleteJob(Session& session, const std::string& name) {
  v1::DeleteJobRequest request;
  request.set_name(ResourceName("jobs", name));
  MAE_RETURN_IF_ERROR(session.Call<v1::JobService>(&v1::JobService::Stub::DeleteJob, request).status());
  session.Note(absl::StrCat("deleted ", request.name()));
  return absl::OkStatus();
}

void AddList(VerbRegistry& verbs) {
  CLI::App* verb =
      verbs.Add("Jobs", "list-jobs", "Jobs, newest first", "list-jobs\nlist-jobs --state running -o json");
  auto options = std::make_shared<ListOptions>();
  verb->add_option("--state", options->states, "Only jobs in this state (may be repeated)")
      ->allow_extra_args(false);
  verb->add_option("--limit", options->limit, "At most this many; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  verbs.OnChosen(verb, [&verbs, options] { return ListJobs(verbs.session(), *options); });
}

void AddStop(VerbRegistry& verbs) {
  CLI::App* verb = verbs.Add("Jobs", "stop-job", "Stop a job after it wrote a checkpoint",
                             "stop-job pretrain-1\nstop-job pretrain-1 --now");
  auto name = std::make_shared<std::string>();
  auto request = std::make_shared<v1::StopJobRequest>();
  verb->add_option("job", *name, "The job")->required();
  verb->add_flag_callback(
      "--now", [request] { request->set_immediate(true); }, "At once, without a checkpoint");
  verbs.OnChosen(verb, [&verbs, name, request] {
    return OneJob(verbs.session(), *name, &v1::JobService::Stub::StopJob, *request);
  });
}

struct ResumeOptions {
  std::string job;
  std::vector<std::string> overrides;
  bool watch = false;
  double reconnect_seconds = WatchOptions().reconnect_seconds;
};

// From the newest event on, which says that it is queued: what came before is of the run that ended.
absl::Status WatchResumed(Session& session, const v1::Job& job, double reconnect_seconds) {
  WriteStdout(job.name() + "\n");
  MAE_RETURN_IF_ERROR(FlushStdout());
  WatchOptions watch;
  watch.job = job.name();
  watch.after = std::max<int64_t>(0, job.last_sequence() - 1);
  watch.reconnect_seconds = reconnect_seconds;
  return WatchJob(session, watch);
}

// The job's resources with the overrides, as a whole: what ResumeJob takes.
absl::Status SetResources(Session& session, const std::vector<std::string>& overrides,
                          v1::ResumeJobRequest& request) {
  v1::GetJobRequest get;
  get.set_name(request.name());
  MAE_ASSIGN_OR_RETURN(v1::Job job, session.Call<v1::JobService>(&v1::JobService::Stub::GetJob, get));
  for (const std::string& assignment : overrides) {
    if (!absl::StartsWith(assignment, "resources.")) {
      return absl::InvalidArgumentError(
          absl::StrCat("--set ", assignment,
                       ": a job that goes on keeps its recipe; only resources.… can "
                       "change, as resources.processes=2"));
    }
    const absl::Status applied = ApplyOverride(assignment, *job.mutable_spec());
    if (applied.ok()) continue;
    return absl::Status(applied.code(), absl::StrCat("--set ", assignment, ": ", applied.message()));
  }
  *request.mutable_resources() = job.spec().resources();
  return absl::OkStatus();
}

absl::Status ResumeJob(Session& session, const ResumeOptions& options) {
  v1::ResumeJobRequest request;
  request.set_name(ResourceName("jobs", options.job));
  if (!options.overrides.empty()) MAE_RETURN_IF_ERROR(SetResources(session, options.overrides, request));
  MAE_ASSIGN_OR_RETURN(const v1::Job job,
                       session.Call<v1::JobService>(&v1::JobService::Stub::ResumeJob, request));
  if (options.watch) return WatchResumed(session, job, options.reconnect_seconds);
  return WriteMessage(session.options.format, job, [&] { return JobFields(job); });
}

void AddResume(VerbRegistry& verbs) {
  CLI::App* verb = verbs.Add("Jobs", "resume-job",
                             "Go on with a stopped or failed job, from its last checkpoint if it has one",
                             "resume-job pretrain-1 --watch\nresume-job pretrain-1 --set "
                             "resources.processes=2");
  auto options = std::make_shared<ResumeOptions>();
  verb->add_option("job", options->job, "The job")->required();
  verb->add_option("--set", options->overrides,
                   "Go on with other resources: resources.field=value (may be repeated)")
      ->allow_extra_args(false);
  AddFollowOptions(verb, options->watch, options->reconnect_seconds);
  verbs.OnChosen(verb, [&verbs, options] { return ResumeJob(verbs.session(), *options); });
}

void AddNamed(VerbRegistry& verbs, const std::string& verb_name, const std::string& summary,
              absl::Status (*run)(Session&, const std::string&)) {
  CLI::App* verb = verbs.Add("Jobs", verb_name, summary, verb_name + " pretrain-1");
  auto name = std::make_shared<std::string>();
  verb->add_option("job", *name, "The job")->required();
  verbs.OnChosen(verb, [&verbs, name, run] { return run(verbs.session(), *name); });
}

}  // namespace

void AddJobCommands(VerbRegistry& verbs) {
  AddList(verbs);
  AddNamed(verbs, "get-job", "One job: state, progress, newest metrics",
           [](Session& session, const std::string& name) {
             return OneJob(session, name, &v1::JobService::Stub::GetJob);
           });
  AddStop(verbs);
  AddResume(verbs);
  AddNamed(verbs, "delete-job", "Remove an ended job and its folder; its models stay", &DeleteJob);
}

}  // namespace mae
