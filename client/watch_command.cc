#include "client/watch_command.h"

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <optional>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "client/interrupt.h"
#include "client/job_watch.h"
#include "client/live_view.h"
#include "client/output_folder.h"
#include "client/plain_view.h"
#include "client/resource_name.h"
#include "client/terminal.h"
#include "client/verb_registry.h"

namespace mae {
namespace {

std::unique_ptr<JobView> MakeView(const Session& session, const std::string& job) {
  if (session.options.format == OutputFormat::kJson)
    return std::make_unique<JsonLinesView>(session.options.quiet);
  if (IsLiveTerminal(STDERR_FILENO) && !session.options.quiet) return std::make_unique<LiveView>(job);
  return std::make_unique<PlainView>(session.options.quiet);
}

/// The server's name of a file in the job's samples folder; a name by epoch for any other path.
std::string FileNameOf(const v1::JobEvent::Picture& picture) {
  const std::filesystem::path path = picture.path();
  std::string name = path.filename();
  const bool plain =
      path.parent_path() == "samples" && !name.empty() && absl::c_all_of(name, [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
      });
  if (plain && name.front() != '.' && absl::EndsWith(name, ".png")) return name;
  return absl::StrFormat("epoch-%03d.png", picture.epoch());
}

/// Saves pictures on their way to the view that shows them.
class PictureSaver : public JobView {
 public:
  PictureSaver(JobView& view, OutputFolder folder) : view_(view), folder_(std::move(folder)) {}

  void Show(const v1::JobEvent& event) override {
    view_.Show(event);
    if (!event.has_picture() || event.picture().png().empty()) return;
    const std::string name = FileNameOf(event.picture());
    const absl::Status saved = folder_.Write(name, event.picture().png());
    view_.Notice(saved.ok() ? absl::StrCat("saved ", folder_.PathOf(name)) : saved.message());
    status_.Update(saved);
  }
  void Notice(absl::string_view line) override { view_.Notice(line); }

  const absl::Status& status() const { return status_; }

 private:
  JobView& view_;
  OutputFolder folder_;
  absl::Status status_;
};

absl::Status Outcome(Session& session, const std::string& job, const JobProgress& progress) {
  if (progress.state() == v1::Job::FAILED) {
    session.Note(absl::StrCat("resume it with:  ", session.CommandFor("resume-job " + job)));
    return absl::AbortedError(absl::StrCat(job, " FAILED: ", progress.error().message()));
  }
  const std::string& version = progress.published_version();
  session.Note(absl::StrCat(job, " ", v1::Job::State_Name(progress.state()),
                            version.empty() ? "" : absl::StrCat(", published ", version)));
  for (const v1::AliasMove& move : progress.alias_moves()) session.Note(AliasMoveText(move));
  if (version.empty() && progress.state() == v1::Job::SUCCEEDED) {
    for (const std::string& line : ResultLines(progress.newest())) session.Note(line);
  }
  return absl::OkStatus();
}

void NoteHowToGoOn(Session& session, const std::string& job, int64_t sequence) {
  std::string command = absl::StrCat("watch ", job);
  if (sequence > 0) absl::StrAppend(&command, " --after ", sequence);
  session.Note(absl::StrCat("watch it again with:  ", session.CommandFor(command)));
}

}  // namespace

void AddFollowOptions(CLI::App* verb, bool& watch, double& reconnect_seconds) {
  verb->add_flag("--watch", watch, "Follow the job until it ends");
  verb->add_option("--reconnect-seconds", reconnect_seconds,
                   "With --watch: how long to try again when the server goes away")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

absl::Status WatchJob(Session& session, const WatchOptions& options) {
  const std::string job = ResourceName("jobs", options.job);
  MAE_ASSIGN_OR_RETURN(const Connection* connection, session.Connect());
  Interrupt interrupt;
  JobWatch watch(*connection, job, options.after, absl::Seconds(options.reconnect_seconds), interrupt);
  std::unique_ptr<JobView> view = MakeView(session, job);
  std::optional<PictureSaver> saver;
  if (!options.pictures.empty()) {
    MAE_ASSIGN_OR_RETURN(OutputFolder folder, OutputFolder::Plan(options.pictures));
    saver.emplace(*view, std::move(folder));
  }
  absl::Status status = watch.Run(saver ? *saver : *view);
  view.reset();  // what follows stands below the live view
  if (status.ok()) status = Outcome(session, job, watch.progress());
  if (status.ok() && saver) status = saver->status();
  if (absl::IsCancelled(status) || absl::IsUnavailable(status)) NoteHowToGoOn(session, job, watch.sequence());
  if (!absl::IsCancelled(status) || IsFromServer(status)) return status;
  return absl::CancelledError(absl::StrCat("detached from ", job, ", which goes on"));
}

void AddWatchCommand(VerbRegistry& verbs) {
  CLI::App* verb =
      verbs.Add("Jobs", "watch", "Follow a job until it ends; Ctrl-C detaches and leaves it alone",
                "watch jobs/pretrain-1\nwatch pretrain-1 --pictures epochs\nwatch pretrain-1 -o json");
  auto options = std::make_shared<WatchOptions>();
  verb->add_option("job", options->job, "The job")->required();
  verb->add_option("--after", options->after, "Only events after this sequence number")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--reconnect-seconds", options->reconnect_seconds,
                   "How long to try again when the server goes away")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  verb->add_option("--pictures", options->pictures, "Save the picture of each epoch in this folder");
  verbs.OnChosen(verb, [&verbs, options] { return WatchJob(verbs.session(), *options); });
}

}  // namespace mae
