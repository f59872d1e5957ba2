#include "tests/e2e/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>

namespace mae {
namespace {

std::string Slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

std::vector<std::string> EnvironmentWith(const std::map<std::string, std::string>& changes) {
  std::map<std::string, std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    merged[text.substr(0, text.find('='))] = text.substr(text.find('=') + 1);
  }
  for (const auto& [name, value] : changes) merged[name] = value;
  std::vector<std::string> entries;
  for (const auto& [name, value] : merged) entries.push_back(name + "=" + value);
  return entries;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (auto& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

[[noreturn]] void Exec(char* const* arguments, char* const* environment, int out, int err) {
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(nothing, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  execve(arguments[0], arguments, environment);
  _exit(127);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& command,
                           const std::map<std::string, std::string>& environment,
                           const std::filesystem::path& scratch) {
  static std::atomic<int> count{0};
  const std::string stem =
      std::to_string(count++) + "-" + std::filesystem::path(command.at(0)).filename().string();
  std::filesystem::create_directories(scratch);
  out_ = scratch / (stem + ".out");
  err_ = scratch / (stem + ".err");
  const int out = open(out_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const int err = open(err_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  auto arguments = command, entries = EnvironmentWith(environment);
  const auto argument_pointers = Pointers(arguments), entry_pointers = Pointers(entries);
  pid_ = fork();
  if (pid_ == 0) Exec(argument_pointers.data(), entry_pointers.data(), out, err);
  close(out);
  close(err);
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
}

ChildProcess::~ChildProcess() {
  if (!reaped_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(pidfd_);
}

void ChildProcess::Signal(int signal) const {
  if (!reaped_) kill(pid_, signal);
}

bool ChildProcess::Running() const {
  pollfd entry{pidfd_, POLLIN, 0};
  return !reaped_ && poll(&entry, 1, 0) == 0;
}

ProgramResult ChildProcess::Wait() {
  pollfd entry{pidfd_, POLLIN, 0};
  int ready = 0;
  do {  // a signal of this program's own is no end of the other
    ready = poll(&entry, 1, static_cast<int>(absl::ToInt64Milliseconds(kPatience)));
  } while (ready < 0 && errno == EINTR);
  const bool ended = ready == 1;
  if (!ended) kill(pid_, SIGKILL);
  int status = 0;
  waitpid(pid_, &status, 0);
  reaped_ = true;
  ProgramResult result{-1, Out(), Err()};
  if (ended) result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

std::string ChildProcess::Out() const { return Slurp(out_); }
std::string ChildProcess::Err() const { return Slurp(err_); }

ProgramResult RunProgram(const std::vector<std::string>& command,
                         const std::map<std::string, std::string>& environment,
                         const std::filesystem::path& scratch) {
  return ChildProcess(command, environment, scratch).Wait();
}

std::string BinaryPath(const std::string& name) {
  const char* folder = std::getenv("MAE_BIN_DIR");
  return std::string(folder == nullptr ? "build/release/bin" : folder) + "/" + name;
}

}  // namespace mae
