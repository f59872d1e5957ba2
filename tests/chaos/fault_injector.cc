#include "tests/chaos/fault_injector.h"

#include <signal.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace mae {
namespace {

constexpr int64_t kPageBytes = 4096;  // SQLite's
constexpr const char* kCalls[] = {"write", "fsync", "rename", "file call"};
constexpr const char* kEffects[] = {"fails", "kills", "tears and kills", "fails from then on"};

}  // namespace

void FaultInjector::Inject() {
  switch (choices_.Below(14)) {
    case 0:
      return KillServer();
    case 1:
    case 2:
    case 3:
    case 4:
      return ArmFileFault("mae_server");
    case 5:
    case 6:
      return ArmFileFault(server_.trainer_name());
    case 7:
      return FailSpawn();
    case 8:
    case 9:
      return SignalTrainer();
    case 10:
      return choices_.Once(3) ? TakeMemory() : TakeDescriptors();
    case 11:
      return BreakConnection();
    case 12:
      return FailAllocation(choices_.Once(2) ? "mae_server" : server_.trainer_name());
    default:
      return StepClock();
  }
}

void FaultInjector::ArmFileFault(const std::string& program) {
  constexpr FaultPage::Call kFileCalls[] = {FaultPage::kWrite, FaultPage::kSync, FaultPage::kRename,
                                            FaultPage::kAnyFileCall, FaultPage::kAnyFileCall};
  constexpr FaultPage::Effect kFileEffects[] = {FaultPage::kFail, FaultPage::kFailOn, FaultPage::kKill,
                                                FaultPage::kTear};
  const FaultPage::Call call = choices_.OneOf(kFileCalls);
  const FaultPage::Effect effect = choices_.OneOf(kFileEffects);
  const int error = choices_.Once(2) ? ENOSPC : EIO;
  const int64_t after = choices_.Few();
  const bool kills = effect == FaultPage::kKill || effect == FaultPage::kTear;
  may_kill_server_ |= kills && program == "mae_server";
  journal_.Did(absl::StrCat("FAULT ", kCalls[call], " no. ", after, " of ", program, " ", kEffects[effect],
                            kills ? "" : absl::StrCat(": ", strerror(error))));
  server_.Arm(program, call, effect, error, after);
}

void FaultInjector::ArmForStart() {
  const auto effect = choices_.Once(2)   ? FaultPage::kTear
                      : choices_.Once(2) ? FaultPage::kKill
                                         : FaultPage::kFail;
  const int64_t after = choices_.Few();
  may_kill_server_ |= effect != FaultPage::kFail;
  journal_.Did(absl::StrCat("FAULT file call no. ", after, " of the start ", kEffects[effect]));
  server_.Arm("mae_server", FaultPage::kAnyFileCall, effect, EIO, after);
}

// A puppet has no tensors.
void FaultInjector::ArmForTrainer() {
  const std::string trainer = server_.trainer_name();
  return !server_.options().puppet_trainer && choices_.Once(3) ? FailAllocation(trainer)
                                                               : ArmFileFault(trainer);
}

void FaultInjector::FailSpawn() {
  const int64_t after = choices_.Below(2);
  journal_.Did(absl::StrCat("FAULT spawn no. ", after, " of mae_server fails"));
  server_.Arm("mae_server", FaultPage::kSpawn, FaultPage::kFail, EAGAIN, after);
}

// Of one call of a connection: gRPC closes it, and the client makes another.
void FaultInjector::BreakConnection() {
  const int64_t after = choices_.Below(40);
  may_break_connection_ = true;
  journal_.Did(absl::StrCat("FAULT socket call no. ", after, " of mae_server: ", strerror(ECONNRESET)));
  server_.Arm("mae_server", FaultPage::kSocket, FaultPage::kFail, ECONNRESET, after);
}

void FaultInjector::FailAllocation(const std::string& program) {
  const int64_t after = choices_.Below(50);
  journal_.Did(absl::StrCat("FAULT tensor no. ", after, " of ", program, " finds no memory"));
  server_.Arm(program, FaultPage::kAllocate, FaultPage::kFail, ENOMEM, after);
}

void FaultInjector::KillServer() {
  journal_.Did("FAULT kill -9 of the server");
  may_kill_server_ = true;
  server_.Signal(SIGKILL);
  server_.Wait();
}

void FaultInjector::SignalTrainer() {
  std::vector<pid_t> trainers;
  for (const KnownJob& job : known_.jobs) {
    if (const pid_t pid = jobs_.Trainer(job); pid > 0) trainers.push_back(pid);
  }
  if (trainers.empty()) return KillServer();
  const pid_t trainer = choices_.OneOf(trainers);
  const bool kills = choices_.Once(2);
  journal_.Did(absl::StrCat("FAULT ", kills ? "kill -9" : "SIGSTOP", " of a trainer"));
  kill(trainer, kills ? SIGKILL : SIGSTOP);
  if (!kills) stopped_.insert(trainer);
}

void FaultInjector::TakeDescriptors() {
  const int64_t left = choices_.Below(6);
  journal_.Did(absl::StrCat("FAULT the server has ", left, " descriptors left"));
  server_.Limit(RLIMIT_NOFILE, static_cast<uint64_t>(server_.OpenFiles() + left));
}

void FaultInjector::TakeMemory() {
  const int64_t left = choices_.Below(64) << 16;
  journal_.Did(absl::StrCat("FAULT the server has ", left, " bytes of address space left"));
  server_lacked_memory_ = journal_.server_lacks_memory = true;
  server_.Limit(RLIMIT_AS, static_cast<uint64_t>(server_.AddressSpace() + left));
}

void FaultInjector::StepClock() {
  constexpr int64_t kDay = 86'400'000'000'000;
  const int64_t step = choices_.Once(2) ? kDay : -kDay;
  journal_.Did(absl::StrCat("FAULT the clock steps a day ", step > 0 ? "forward" : "back"));
  server_.page().clock_step_ns = step;
  journal_.clock_has_stepped = true;
}

void FaultInjector::CorruptDatabase() {
  std::fstream file(server_.data() / "mae.db",
                    std::ios::in | std::ios::out | std::ios::binary | std::ios::ate);
  const int64_t pages = file ? static_cast<int64_t>(file.tellg()) / kPageBytes : 0;
  if (pages == 0) return;
  const int64_t page = choices_.Below(pages);
  page_at_ = page * kPageBytes;
  page_.assign(kPageBytes, '\0');
  file.seekg(page_at_).read(page_.data(), kPageBytes);
  std::string garbage(kPageBytes, '\0');
  for (char& byte : garbage) byte = static_cast<char>(choices_.Below(256));
  file.seekp(page_at_).write(garbage.data(), kPageBytes);
  journal_.Did(absl::StrCat("FAULT garbage over page ", page + 1, " of ", pages, " of mae.db"));
}

void FaultInjector::MendDatabase() {
  std::fstream file(server_.data() / "mae.db", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(page_at_).write(page_.data(), kPageBytes);
  page_.clear();
  journal_.Did("mae.db is mended");
}

void FaultInjector::EndAll() {
  server_.Disarm();
  server_.page().clock_step_ns = 0;
  if (server_.Running()) server_.LiftLimits();
  journal_.server_lacks_memory = false;
  for (const pid_t trainer : stopped_) kill(trainer, SIGCONT);
  stopped_.clear();
  page_.clear();
}

}  // namespace mae
