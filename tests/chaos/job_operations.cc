#include "tests/chaos/job_operations.h"

#include <fcntl.h>
#include <google/protobuf/util/message_differencer.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/durable_file.h"

namespace mae {
namespace {

constexpr absl::Duration kRunningPatience = absl::Milliseconds(500);

v1::CreateJobRequest TinyJob(const std::string& model, const std::string& request_id) {
  v1::CreateJobRequest request;
  request.set_recipe("tiny");
  request.set_request_id(request_id);
  v1::JobSpec& spec = *request.mutable_spec();
  spec.mutable_pretrain()->mutable_model()->set_preset("nano");
  spec.mutable_data()->set_dataset("tiny");
  spec.mutable_data()->set_batch_size(8);
  spec.mutable_schedule()->set_epochs(3);
  spec.mutable_logging()->set_every_steps(1);
  spec.mutable_logging()->set_pictures(0);
  spec.mutable_resources()->set_threads(1);
  spec.mutable_publish()->set_model(model);
  return request;
}

bool IsWriteOf(const v1::JobEvent& event, const v1::JobEvent& before) {
  return google::protobuf::util::MessageDifferencer::Equals(event, before);
}

}  // namespace

bool HasEnded(const v1::Job& job) {
  return job.state() == v1::Job::STOPPED || job.state() == v1::Job::SUCCEEDED ||
         job.state() == v1::Job::FAILED;
}

JobOperations::JobOperations(ChaosServer& server, Acknowledged& known, Choices& choices, Journal& journal,
                             std::vector<std::filesystem::path> weights)
    : server_(server), known_(known), choices_(choices), journal_(journal), weights_(std::move(weights)) {}

KnownJob* JobOperations::Create(const std::string& model) {
  const auto id = [&] { return static_cast<uint64_t>(choices_.Below(int64_t{1} << 48)); };
  const std::string uuid = absl::StrFormat("%08x-0000-4000-8000-%012x", id() & 0xffffffff, id());
  return Send(TinyJob(model, uuid));
}

KnownJob* JobOperations::Send(const v1::CreateJobRequest& request) {
  v1::Job made;
  const auto status = server_.jobs().CreateJob(CallContext().get(), request, &made);
  const Outcome outcome =
      OutcomeOf(status, "create for '" + request.spec().publish().model() + "'", journal_);
  if (outcome == Outcome::kUnknown) known_.unanswered_jobs.push_back(request);
  if (outcome != Outcome::kDone) return nullptr;
  for (KnownJob& job : known_.jobs) {
    if (job.name == made.name()) return &job;
  }
  journal_.Did("  it is " + made.name());
  known_.jobs.push_back({});
  known_.jobs.back().name = made.name();
  known_.jobs.back().request = request;
  return &known_.jobs.back();
}

void JobOperations::Stop(KnownJob& job) {
  v1::StopJobRequest request;
  request.set_name(job.name);
  request.set_immediate(choices_.Once(2));
  v1::Job shown;
  const auto status = server_.jobs().StopJob(CallContext().get(), request, &shown);
  const std::string how = request.immediate() ? "stop at once " : "stop ";
  if (OutcomeOf(status, how + job.name, journal_) != Outcome::kDone) return;
  job.must_not_run = true;
  Learn(job, shown);
}

void JobOperations::Resume(KnownJob& job) {
  v1::ResumeJobRequest request;
  request.set_name(job.name);
  v1::Job shown;
  const auto status = server_.jobs().ResumeJob(CallContext().get(), request, &shown);
  const Outcome outcome = OutcomeOf(status, "resume " + job.name, journal_);
  if (outcome == Outcome::kRefused) return;
  job.may_be_resumed = outcome == Outcome::kUnknown;
  job.must_not_run = false;
  job.ended.reset();
}

void JobOperations::Delete(KnownJob& job) {
  v1::DeleteJobRequest request;
  request.set_name(job.name);
  google::protobuf::Empty nothing;
  const auto status = server_.jobs().DeleteJob(CallContext().get(), request, &nothing);
  const Outcome outcome = OutcomeOf(status, "delete " + job.name, journal_);
  if (outcome == Outcome::kUnknown) job.presence = Presence::kUnknown;
  if (outcome == Outcome::kDone) job.presence = Presence::kGone;
}

std::optional<v1::Job> JobOperations::Get(KnownJob& job) {
  v1::GetJobRequest request;
  request.set_name(job.name);
  v1::Job shown;
  const auto status = server_.jobs().GetJob(CallContext().get(), request, &shown);
  if (!status.ok()) {
    OutcomeOf(status, "get " + job.name, journal_);
    return std::nullopt;
  }
  Learn(job, shown);
  return shown;
}

void JobOperations::Learn(KnownJob& job, const v1::Job& shown) {
  const std::string state = v1::Job::State_Name(shown.state());
  if (job.must_not_run) {
    journal_.Check(HasEnded(shown) || shown.state() == v1::Job::STOPPING,
                   job.name + " was stopped, that was acknowledged, and now it is " + state);
  }
  if (job.ended) {
    journal_.Check(shown.state() == job.ended->state(),
                   absl::StrCat(job.name, " had ended as ", v1::Job::State_Name(job.ended->state()),
                                ", and now it is ", state));
    journal_.Check(shown.published_version() == job.ended->published_version(),
                   job.name + " has published another version than it said");
  } else if (HasEnded(shown) && !job.may_be_resumed) {
    job.ended = shown;
    journal_.Did("  " + job.name + " ended as " + state + " " + shown.published_version() + " " +
                 shown.error().message());
    if (!shown.published_version().empty()) {
      const size_t cut = shown.published_version().rfind('/');
      const std::string model =
          shown.published_version().substr(7, shown.published_version().find('/', 7) - 7);
      known_.versions.try_emplace({model, std::stoll(shown.published_version().substr(cut + 1))});
    }
  }
}

bool JobOperations::Watch(KnownJob& job) {
  const auto before = Get(job);
  if (!before) return false;
  v1::WatchJobRequest request;
  request.set_name(job.name);
  // Sometimes from the start, to see that what was told once is told the same again.
  const int64_t seen = job.events.empty() ? 0 : job.events.rbegin()->first;
  request.set_after_sequence(choices_.Once(2) ? seen : 0);
  // 0: its events can't be read now.
  if (before->last_sequence() == 0) return false;
  journal_.Check(before->last_sequence() >= seen,
                 absl::StrCat(job.name, " was watched up to event ", seen, ", and its last one now is ",
                              before->last_sequence()));
  const auto context = CallContext();
  const auto stream = server_.jobs().WatchJob(context.get(), request);
  int64_t last = request.after_sequence();
  // A success is not told before it is published, so the newest of an unfinished job may not come.
  const int64_t until = HasEnded(*before) ? before->last_sequence() : before->last_sequence() - 1;
  for (v1::JobEvent event; last < until && stream->Read(&event);) {
    journal_.Check(event.sequence() == last + 1,
                   absl::StrCat(job.name, ": event ", event.sequence(), " follows event ", last));
    last = event.sequence();
    const auto [at, is_new] = job.events.emplace(last, event);
    journal_.Check(is_new || IsWriteOf(event, at->second),
                   absl::StrCat(job.name, ": event ", last, " was ", at->second.ShortDebugString(),
                                " and now is ", event.ShortDebugString()));
  }
  context->TryCancel();
  journal_.Check(stream->Finish().error_code() != grpc::StatusCode::DEADLINE_EXCEEDED,
                 absl::StrCat(job.name, " has ", until, " events, and watching gives ", last));
  journal_.Did(absl::StrCat("watch ", job.name, " up to ", last, " of ", until));
  return last >= until;
}

void JobOperations::List() {
  v1::ListJobsResponse response;
  OutcomeOf(server_.jobs().ListJobs(CallContext().get(), v1::ListJobsRequest(), &response), "list", journal_);
}

bool JobOperations::Tell(const KnownJob& job, const std::string& line) {
  const int fifo = open((Folder(job) / "commands").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (fifo < 0) return false;
  const std::string text = line + "\n";
  const bool told = write(fifo, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(fifo);
  journal_.Did(absl::StrCat("tell ", job.name, " ", line.substr(0, line.find('/')), told ? "" : ": in vain"));
  return told;
}

void JobOperations::TellMetrics(KnownJob& job) {
  for (int64_t count = 1 + choices_.Below(4); count > 0; --count) {
    if (!Tell(job, absl::StrCat("metrics ", job.next_step, " 0.5"))) return;
    ++job.next_step;
  }
}

bool JobOperations::Succeed(const KnownJob& job) {
  return Tell(job, absl::StrCat("succeed-with ", choices_.OneOf(weights_).string()));
}

pid_t JobOperations::Trainer(const KnownJob& job) const {
  std::ifstream lock(Folder(job) / "trainer.lock");
  pid_t pid = 0;
  if (!(lock >> pid)) return 0;
  const std::string command = ReadFile(absl::StrCat("/proc/", pid, "/cmdline")).value_or("");
  return absl::StrContains(command, Folder(job).string()) ? pid : 0;
}

KnownJob* JobOperations::AwaitRunning() {
  const absl::Time deadline = absl::Now() + kRunningPatience;
  do {
    std::vector<KnownJob*> running;
    for (KnownJob& job : known_.jobs) {
      if (job.presence != Presence::kThere || job.ended) continue;
      const auto shown = Get(job);
      if (!shown && !server_.Running()) return nullptr;
      if (shown && shown->state() == v1::Job::RUNNING) running.push_back(&job);
    }
    if (!running.empty()) return choices_.OneOf(running);
    absl::SleepFor(absl::Milliseconds(5));
  } while (absl::Now() < deadline);
  return nullptr;
}

}  // namespace mae
