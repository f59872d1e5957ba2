#include "tests/chaos/chaos_run.h"

#include <signal.h>

#include <algorithm>
#include <fstream>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/chaos/acknowledged.h"
#include "tests/chaos/chaos_server.h"
#include "tests/chaos/fault_injector.h"
#include "tests/chaos/invariants.h"
#include "tests/chaos/job_operations.h"
#include "tests/chaos/model_operations.h"
#include "tests/chaos/random_operation.h"
#include "tests/chaos/server_end.h"

namespace mae {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kRealTrainerOnceIn = 16;
constexpr int kMaxResumes = 12, kMaxFaultsOfRealTrainers = 4;
constexpr absl::Duration kSettlePatience = absl::Seconds(120), kAnswerPatience = absl::Seconds(10);

std::string LastLines(const std::string& text) {
  return text.size() > 2000 ? "…" + text.substr(text.size() - 2000) : text;
}

class ChaosRun {
 public:
  ChaosRun(uint64_t seed, const ChaosInputs& inputs)
      : choices_(seed),
        folder_(MakeRoot(seed, inputs)),
        server_(folder_, {!choices_.Once(kRealTrainerOnceIn), 1 + choices_.Below(2)}),
        jobs_(server_, known_, choices_, journal_, inputs.weights),
        models_(server_, known_, choices_, journal_, inputs.weights),
        injector_(server_, jobs_, known_, choices_, journal_),
        invariants_(server_, jobs_, known_, journal_) {}

  ~ChaosRun() {
    for (const auto& [pid, command] : ProcessesOn(server_.data())) kill(pid, SIGKILL);
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  ChaosReport Run() {
    report_.has_real_trainer = !server_.options().puppet_trainer;
    if (MustStart()) Play();
    report_.hits = server_.Hits();
    report_.steps = std::move(journal_.steps);
    report_.violations = std::move(journal_.violations);
    return std::move(report_);
  }

 private:
  static fs::path MakeRoot(uint64_t seed, const ChaosInputs& inputs) {
    const fs::path root = inputs.scratch / absl::StrCat("seed-", seed);
    fs::create_directories(root);
    fs::create_directory_symlink(inputs.dataset, root / "tiny");
    return root;
  }

  void Play() {
    for (int64_t left = 5 + choices_.Below(6); left > 0 && journal_.violations.empty(); --left) {
      if (choices_.Once(3)) {
        injector_.Inject();
        ++report_.faults;
      }
      if (server_.Running()) {
        RandomOperation(jobs_, models_, known_, choices_, server_.options().puppet_trainer);
        ++report_.operations;
      }
      if (!StillThere()) ComeBack();
    }
    if (!journal_.violations.empty()) return;
    injector_.EndAll();
    // What became of a call without an answer is found out after a start. And what gRPC could not allocate it
    // may lack for good.
    const bool ends =
        !choices_.Once(4) || injector_.may_break_connection() || injector_.server_lacked_memory();
    if (ends) EndServer();
    if (ends || !StillThere()) ComeBack();
    if (journal_.violations.empty()) End();
  }

  // A server that an armed fault kills has a moment until it is gone.
  bool StillThere() {
    const FaultPage& page = server_.page();
    const bool dies = page.hits > 0 && page.effect != FaultPage::kFail && page.effect != FaultPage::kFailOn &&
                      std::string(page.program) == "mae_server";
    if (dies) Eventually([&] { return !server_.Running(); }, absl::Seconds(20));
    return server_.Running();
  }

  void EndServer() {
    const bool at_once = choices_.Once(2);
    journal_.Did(at_once ? "kill -9 of the server" : "SIGTERM of the server");
    server_.Signal(at_once ? SIGKILL : SIGTERM);
    (at_once ? told_.by_kill : told_.by_term) = true;
  }

  // Holds its end against what it was told, and which faults it has met.
  void CheckEnd() {
    const ProgramResult& end = server_.Wait();
    told_.by_kill |= injector_.may_kill_server();
    told_.lacked_memory = injector_.server_lacked_memory();
    journal_.Did(absl::StrCat("the server ended with ", end.exit_code));
    journal_.Check(IsExplained(end.exit_code, told_),
                   absl::StrCat("the server ended with ", end.exit_code, ":\n", LastLines(end.err)));
    told_ = {};
    injector_.ServerIsFresh();
  }

  // Of a server that has ended, or been killed.
  void ComeBack() {
    CheckEnd();
    injector_.EndAll();
    if (choices_.Once(6)) {
      injector_.CorruptDatabase();
    } else if (choices_.Once(4)) {
      injector_.ArmForStart();
    }
    ++report_.restarts;
    if (!StartDespiteFaults()) return;
    injector_.EndAll();
    if (!StillThere()) {
      CheckEnd();
      if (!MustStart()) return;
    }
    injector_.ServerIsFresh();
    invariants_.AfterStart();
  }

  bool StartDespiteFaults() {
    if (server_.Start() && StillThere()) return true;
    const ProgramResult end = server_.Wait();
    journal_.Did(absl::StrCat("the start ended with ", end.exit_code, ": ", LastLines(end.err)));
    const bool corrupt = injector_.database_is_corrupt();
    if (corrupt) {
      journal_.Check(
          end.exit_code == 1 && absl::StrContains(end.err, "mae.db"),
          absl::StrCat("a corrupt mae.db ends the start with ", end.exit_code, ": ", LastLines(end.err)));
      injector_.MendDatabase();
    } else {
      const FaultPage& page = server_.page();
      journal_.Check(page.hits > 0 && IsExplainedStart(end.exit_code, page.effect),
                     absl::StrCat("the server does not start (", end.exit_code, "): ", LastLines(end.err)));
    }
    injector_.EndAll();
    return MustStart();
  }

  bool MustStart() {
    if (server_.Start()) return true;
    const ProgramResult end = server_.Wait();
    return journal_.Check(
        false, absl::StrCat("the server does not start (", end.exit_code, "): ", LastLines(end.err)));
  }

  void End() {
    Settle();
    invariants_.AfterEnds();
    if (journal_.violations.empty()) ServesOn();
    server_.Signal(SIGTERM);
    told_.by_term = true;
    CheckEnd();
    invariants_.NothingLeft();
  }

  // Every job ends by what its trainer does, or is told.
  void Settle() {
    if (!server_.options().puppet_trainer) FaultRealTrainer();
    const absl::Time deadline = absl::Now() + kSettlePatience;
    while (absl::Now() < deadline && journal_.violations.empty()) {
      bool all_ended = true;
      for (KnownJob& job : known_.jobs) all_ended &= job.presence != Presence::kThere || BringToEnd(job);
      if (all_ended) return;
      absl::SleepFor(absl::Milliseconds(5));
    }
  }

  bool BringToEnd(KnownJob& job) {
    if (server_.options().puppet_trainer && job.ended) return true;
    const auto shown = jobs_.Get(job);
    if (!shown) return false;
    if (server_.options().puppet_trainer) {
      if (shown->state() == v1::Job::RUNNING && led_to_end_.insert(job.name).second) jobs_.Succeed(job);
      return HasEnded(*shown);
    }
    if (shown->state() == v1::Job::SUCCEEDED) return true;
    if (HasEnded(*shown)) ResumeReal(job, *shown);
    return false;
  }

  // Whatever happened to it, a real job can be brought to its end.
  void ResumeReal(KnownJob& job, const v1::Job& shown) {
    if (!journal_.Check(
            ++resumes_ <= kMaxResumes,
            job.name + " does not succeed, however often it is resumed: " + shown.error().message()))
      return;
    if (choices_.Once(2)) TearNewestCheckpoint(job);
    injector_.EndAll();
    if (choices_.Once(2)) FaultRealTrainer();
    jobs_.Resume(job);
  }

  // A real trainer has yet to come to its first call when a puppet's run is over.
  void FaultRealTrainer() {
    if (++real_trainer_faults_ > kMaxFaultsOfRealTrainers) return;
    injector_.ArmForTrainer();
    ++report_.faults;
  }

  void TearNewestCheckpoint(const KnownJob& job) {
    std::vector<std::pair<int64_t, fs::path>> checkpoints;
    std::error_code error;
    for (fs::directory_iterator it(server_.data() / job.name / "checkpoints", error), end;
         !error && it != end; it.increment(error)) {
      const std::string name = it->path().filename();
      if (absl::StartsWith(name, "step-")) checkpoints.emplace_back(std::stoll(name.substr(5)), it->path());
    }
    // With none left that is whole a job fails, and says so: it never begins anew by itself.
    if (torn_ || checkpoints.size() < 2) return;
    torn_ = true;
    std::vector<fs::path> files;
    for (const auto& entry :
         fs::directory_iterator(std::max_element(checkpoints.begin(), checkpoints.end())->second))
      files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    const fs::path& file = choices_.OneOf(files);
    fs::resize_file(file, fs::file_size(file) * static_cast<uintmax_t>(choices_.Below(100)) / 100);
    journal_.Did("FAULT torn: " + file.lexically_relative(server_.data()).string());
    ++report_.faults;
  }

  // After all that, a new job trains, publishes, and its model answers.
  void ServesOn() {
    if (!server_.options().puppet_trainer) return;
    KnownJob* made = jobs_.Create("last");
    if (!journal_.Check(made != nullptr, "a new job is refused")) return;
    KnownJob& job = *made;
    std::optional<v1::Job> shown;
    const auto is = [&](v1::Job::State state) {
      shown = jobs_.Get(job);
      return shown && (shown->state() == state || HasEnded(*shown));
    };
    Eventually([&] { return is(v1::Job::RUNNING); }, kSettlePatience);
    jobs_.Succeed(job);
    Eventually([&] { return is(v1::Job::SUCCEEDED); }, kSettlePatience);
    journal_.Check(shown && shown->state() == v1::Job::SUCCEEDED, "a new job does not succeed any more");
    const bool answers = Eventually([&] { return models_.Infer("last") == Outcome::kDone; }, kAnswerPatience);
    journal_.Check(answers, "the model of a new job does not answer");
  }

  Choices choices_;
  Journal journal_;
  Acknowledged known_;
  ChaosReport report_;
  const fs::path folder_;
  ChaosServer server_;
  JobOperations jobs_;
  ModelOperations models_;
  FaultInjector injector_;
  Invariants invariants_;
  std::set<std::string> led_to_end_;  ///< jobs
  ServerTold told_;
  int resumes_ = 0, real_trainer_faults_ = 0;
  bool torn_ = false;
};

}  // namespace

ChaosReport RunChaos(uint64_t seed, const ChaosInputs& inputs) { return ChaosRun(seed, inputs).Run(); }

}  // namespace mae
