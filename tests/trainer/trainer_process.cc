#include "tests/trainer/trainer_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace mae {
namespace {

constexpr int kPatienceMs = 60000;

std::string TrainerBinary() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "mae_trainer";
}

[[noreturn]] void Exec(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
                       int output) {
  std::vector<std::string> variables = environment;
  for (auto& variable : variables) putenv(variable.data());
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  std::string binary = TrainerBinary();
  std::vector<std::string> words = arguments;
  std::vector<char*> argv = {binary.data()};
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv(binary.c_str(), argv.data());
  _exit(127);
}

}  // namespace

TrainerProcess::TrainerProcess(const std::vector<std::string>& arguments,
                               const std::vector<std::string>& environment) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  pid_ = fork();
  if (pid_ == 0) Exec(arguments, environment, ends[1]);
  close(ends[1]);
  pipe_ = ends[0];
}

TrainerProcess::~TrainerProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(pipe_);
}

bool TrainerProcess::ReadMore() {
  pollfd readable{pipe_, POLLIN, 0};
  if (poll(&readable, 1, kPatienceMs) != 1) return false;
  std::array<char, 4096> buffer{};
  const ssize_t count = read(pipe_, buffer.data(), buffer.size());
  if (count > 0) output_.append(buffer.data(), static_cast<size_t>(count));
  return count > 0;
}

bool TrainerProcess::WaitForOutput(const std::string& text) {
  while (output_.find(text) == std::string::npos) {
    if (!ReadMore()) return false;
  }
  return true;
}

void TrainerProcess::Signal(int signal) const { kill(pid_, signal); }

std::optional<int> TrainerProcess::Wait() {
  while (ReadMore()) {
  }
  int status = 0;
  // The pipe has ended, or the minute is over: then it hangs, and the destructor kills it.
  if (waitpid(pid_, &status, WNOHANG) != pid_) {
    pollfd ended{pipe_, POLLIN, 0};
    if (poll(&ended, 1, 0) != 1 || waitpid(pid_, &status, 0) != pid_) return std::nullopt;
  }
  pid_ = -1;
  return WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt;
}

}  // namespace mae
