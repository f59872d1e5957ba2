#include "tests/client/client_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace mae {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);

std::string Binary() {
  const char* folder = std::getenv("MAE_BIN_DIR");
  return absl::StrCat(folder == nullptr ? "build/release/bin" : folder, "/mae_client");
}

std::vector<std::string> EnvironmentFrom(const ClientOptions& options, const std::filesystem::path& home) {
  std::map<std::string, std::string> environment = {{"PATH", "/usr/bin:/bin"},
                                                    {"HOME", home.string()},
                                                    {"XDG_CONFIG_HOME", (home / "config").string()},
                                                    {"TZ", "UTC"},
                                                    {"TERM", "xterm"}};
  if (!options.server.empty()) environment["MAE_SERVER"] = options.server;
  // Sanitizers and coverage are told where to write by these.
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LD_LIBRARY_PATH"}) {
    if (const char* value = std::getenv(name)) environment[name] = value;
  }
  for (const auto& [name, value] : options.environment) environment[name] = value;
  std::vector<std::string> lines;
  for (const auto& [name, value] : environment) lines.push_back(absl::StrCat(name, "=", value));
  return lines;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
    read_end = ends[0];
    write_end = ends[1];
  }
};

/// Called between fork and exec: only async-signal-safe calls.
[[noreturn]] void Become(char* const* arguments, char* const* environment, int in, int out, int err,
                         int terminal) {
  setsid();
  if (terminal >= 0) ioctl(terminal, TIOCSCTTY, 0);
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  execve(arguments[0], arguments, environment);
  _exit(127);
}

}  // namespace

ClientProcess::ClientProcess(const std::vector<std::string>& arguments, const ClientOptions& options) {
  std::vector<std::string> command = {Binary()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  std::vector<std::string> environment =
      EnvironmentFrom(options, options.home.empty() ? own_home_.path() : options.home);
  const std::vector<char*> argument_pointers = Pointers(command),
                           environment_pointers = Pointers(environment);
  Pipe in, out, err;
  int master = -1, slave = -1;
  winsize size{24, 80, 0, 0};
  if (openpty(&master, &slave, nullptr, nullptr, &size) != 0) std::abort();
  fcntl(master, F_SETFD, FD_CLOEXEC);
  fcntl(slave, F_SETFD, FD_CLOEXEC);
  pid_ = fork();
  if (pid_ == 0) {
    Become(argument_pointers.data(), environment_pointers.data(), in.read_end,
           options.stdout_is_terminal ? slave : out.write_end,
           options.stderr_is_terminal ? slave : err.write_end,
           options.stdout_is_terminal || options.stderr_is_terminal ? slave : -1);
  }
  for (const int mine_no_more : {in.read_end, out.write_end, err.write_end, slave}) close(mine_no_more);
  // The inputs of the tests fit into a pipe.
  EXPECT_EQ(write(in.write_end, options.input.data(), options.input.size()),
            static_cast<ssize_t>(options.input.size()));
  close(in.write_end);
  streams_ = {{out.read_end, &result_.out}, {err.read_end, &result_.err}, {master, &result_.terminal}};
}

ClientProcess::~ClientProcess() {
  if (pid_ > 0) {
    Signal(SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  for (const auto& [descriptor, text] : streams_) close(descriptor);
}

bool ClientProcess::ReadSome(absl::Time deadline) {
  std::vector<pollfd> polled;
  for (const auto& [descriptor, text] : streams_) polled.push_back({descriptor, POLLIN, 0});
  const int milliseconds = static_cast<int>(absl::ToInt64Milliseconds(deadline - absl::Now()));
  if (milliseconds <= 0 || poll(polled.data(), polled.size(), milliseconds) <= 0) return false;
  for (const pollfd& ready : polled) {
    if (ready.revents == 0) continue;
    char buffer[65536];
    const ssize_t count = read(ready.fd, buffer, sizeof(buffer));
    if (count > 0) {
      streams_[ready.fd]->append(buffer, static_cast<size_t>(count));
    } else if (count == 0 || errno != EINTR) {  // EIO is how a terminal says that its other side is closed
      close(ready.fd);
      streams_.erase(ready.fd);
    }
  }
  return true;
}

bool ClientProcess::WaitFor(const std::string& text) {
  const absl::Time deadline = absl::Now() + kPatience;
  const auto found = [&] {
    for (const std::string* stream : {&result_.out, &result_.err, &result_.terminal}) {
      if (stream->find(text) != std::string::npos) return true;
    }
    return false;
  };
  while (!found()) {
    if (streams_.empty() || !ReadSome(deadline)) return false;
  }
  return true;
}

void ClientProcess::Signal(int signal) { kill(pid_, signal); }

ClientResult ClientProcess::Finish() {
  const absl::Time deadline = absl::Now() + kPatience;
  while (!streams_.empty() && ReadSome(deadline)) {
  }
  if (!streams_.empty()) {
    ADD_FAILURE() << "mae_client did not end";
    Signal(SIGKILL);
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  result_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result_;
}

ClientResult RunClient(const std::vector<std::string>& arguments, const ClientOptions& options) {
  return ClientProcess(arguments, options).Finish();
}

}  // namespace mae
