// A puppet in place of mae_trainer, for tests of the server: keeps the job folder's rules (lock, job.db, exit
// codes) and otherwise does what it is told, a line at a time, through the FIFO `commands` in the job folder,
// which is there before the job is RUNNING:
//
//   log TEXT             a log event
//   metrics STEP LOSS    a metrics event
//   picture EPOCH        samples/epoch-EPOCH.png (whose bytes are "png EPOCH") and its event
//   checkpoint STEP      a checkpoint event
//   ignore-term          SIGTERM does nothing from then on
//   succeed [bare]       SUCCEEDED, with an export unless bare; exit 0
//   succeed METRIC VALUE DATASET  likewise, with a card that says so
//   succeed-with FOLDER  SUCCEEDED with a copy of that model as its export
//   fail MESSAGE         FAILED with that error; exit 1
//   exit CODE            ends without a word
//
// SIGTERM: a checkpoint event, STOPPED, exit 0. Exit 3: another trainer has the folder.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/durable_file.h"
#include "job/job_db.h"
#include "job/job_lock.h"
#include "options/model_json.h"

namespace mae {
namespace {

[[noreturn]] void Die(const absl::Status& status) {
  std::cerr << "fake_trainer: " << status << std::endl;
  std::exit(absl::IsFailedPrecondition(status) ? 3 : 1);
}

class FakeTrainer {
 public:
  FakeTrainer(JobFolder folder, std::unique_ptr<JobDbWriter> writer)
      : folder_(std::move(folder)), writer_(std::move(writer)) {}

  void Append(const decltype(JobEvent::event)& event) {
    if (const auto appended = writer_->Append(event); !appended.ok()) Die(appended.status());
  }

  void Obey(const std::string& line) {
    std::istringstream in(line);
    std::string verb, rest;
    in >> verb >> std::ws;
    std::getline(in, rest);
    if (verb == "log") Append(LogEvent{"info", rest});
    if (verb == "metrics") Metrics(rest);
    if (verb == "picture") Picture(rest);
    if (verb == "checkpoint")
      Append(CheckpointEvent{std::stoll(rest), absl::StrCat("checkpoints/step-", rest)});
    if (verb == "ignore-term") ignores_term_ = true;
    if (verb == "succeed") Succeed(rest);
    if (verb == "succeed-with") SucceedWith(rest);
    if (verb == "fail") End(StateEvent{JobState::kFailed, absl::InvalidArgumentError(rest)}, 1);
    if (verb == "exit") std::exit(std::stoi(rest));
  }

  void Terminate() {
    if (ignores_term_) return;
    Append(CheckpointEvent{1, "checkpoints/step-1"});
    End(StateEvent{JobState::kStopped, absl::OkStatus()}, 0);
  }

 private:
  void Metrics(const std::string& rest) {
    MetricsEvent event{0, 100, 0, 1, {}};
    double loss = 0;
    std::istringstream(rest) >> event.step >> loss;
    event.values["loss"] = loss;
    Append(event);
  }

  void Picture(const std::string& epoch) {
    const std::string path = absl::StrCat("samples/epoch-", epoch, ".png");
    std::ofstream(folder_.root() / path) << "png " << epoch;
    Append(PictureEvent{std::stoll(epoch), absl::StrCat("epoch ", epoch), path});
  }

  void Succeed(const std::string& rest) {
    if (rest != "bare") {
      std::filesystem::create_directories(folder_.exported());
      ModelConfig config;
      config.mean = {0.5};
      config.std_dev = {0.5};
      ModelCard card;
      card.job = absl::StrCat("jobs/", folder_.root().filename().string());
      std::string metric;
      std::istringstream in(rest);
      if (in >> metric) in >> card.metrics[metric] >> card.dataset;
      std::ofstream(folder_.exported() / "model.safetensors") << "weights";
      std::ofstream(folder_.exported() / "config.json") << ModelConfigToJson(config);
      std::ofstream(folder_.exported() / "card.json") << ModelCardToJson(card);
    }
    End(StateEvent{JobState::kSucceeded, absl::OkStatus()}, 0);
  }

  void SucceedWith(const std::filesystem::path& model) {
    std::filesystem::create_directories(folder_.exported());
    for (const char* name : {"model.safetensors", "config.json"}) {
      std::filesystem::copy_file(model / name, folder_.exported() / name,
                                 std::filesystem::copy_options::overwrite_existing);
    }
    const auto text = ReadFile(model / "card.json");
    auto card = text.ok() ? ModelCardFromJson(*text) : text.status();
    if (!card.ok()) Die(card.status());
    card->job = absl::StrCat("jobs/", folder_.root().filename().string());
    const auto written = WriteFileDurably(folder_.exported() / "card.json", ModelCardToJson(*card));
    if (!written.ok()) Die(written);
    End(StateEvent{JobState::kSucceeded, absl::OkStatus()}, 0);
  }

  void End(const StateEvent& state, int exit_code) {
    Append(state);
    std::exit(exit_code);
  }

  const JobFolder folder_;
  const std::unique_ptr<JobDbWriter> writer_;
  bool ignores_term_ = false;
};

int BlockTerm() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return signalfd(-1, &signals, SFD_CLOEXEC);
}

// Never returns: a command or a signal ends the process.
void Serve(FakeTrainer& trainer, int commands, int terms) {
  std::string pending;
  while (true) {
    pollfd fds[] = {{commands, POLLIN, 0}, {terms, POLLIN, 0}};
    poll(fds, 2, -1);
    signalfd_siginfo info;
    if ((fds[1].revents & POLLIN) != 0 && read(terms, &info, sizeof(info)) == sizeof(info))
      trainer.Terminate();
    if ((fds[0].revents & POLLIN) == 0) continue;
    char bytes[4096];
    const ssize_t size = read(commands, bytes, sizeof(bytes));
    if (size > 0) pending.append(bytes, static_cast<size_t>(size));
    for (size_t end; (end = pending.find('\n')) != std::string::npos; pending.erase(0, end + 1)) {
      trainer.Obey(pending.substr(0, end));
    }
  }
}

int Main(const std::string& path) {
  const int terms = BlockTerm();
  const JobFolder folder(path);
  const auto lock = LockJobToRun(folder);
  if (!lock.ok()) Die(lock.status());
  auto writer = JobDbWriter::Open(folder.database());
  if (!writer.ok()) Die(writer.status());
  const std::string fifo = folder.root() / "commands";
  std::filesystem::remove(fifo);
  if (mkfifo(fifo.c_str(), 0600) != 0) Die(absl::InternalError("mkfifo"));
  const int commands = open(fifo.c_str(), O_RDWR | O_CLOEXEC);
  FakeTrainer trainer(folder, *std::move(writer));
  trainer.Append(StateEvent{JobState::kRunning, absl::OkStatus()});
  std::cout << "fake_trainer runs" << std::endl;
  Serve(trainer, commands, terms);
  return 0;
}

}  // namespace
}  // namespace mae

int main(int argc, char** argv) {
  if (argc < 3 || std::string(argv[1]) != "--job-dir") return 2;
  return mae::Main(argv[2]);
}
