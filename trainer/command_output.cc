#include "trainer/command_output.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/system_error.h"

namespace mae {
namespace {

constexpr size_t kMaxBytes = 1 << 20;

// Both outputs of a child, read until it closes them.
class ChildOutputs {
 public:
  ChildOutputs() { made_ = pipe2(out_.data(), O_CLOEXEC) == 0 && pipe2(err_.data(), O_CLOEXEC) == 0; }
  ~ChildOutputs() {
    for (const int end : {out_[0], out_[1], err_[0], err_[1]}) {
      if (end >= 0) close(end);
    }
  }
  ChildOutputs(const ChildOutputs&) = delete;
  ChildOutputs& operator=(const ChildOutputs&) = delete;

  // @return its pid, or -errno.
  int Spawn(std::vector<std::string> arguments) {
    if (!made_) return -errno;
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out_[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, err_[1], STDERR_FILENO);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_t pid = 0;
    const int error = posix_spawnp(&pid, argv[0], &files, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    for (int* end : {&out_[1], &err_[1]}) close(std::exchange(*end, -1));
    return error == 0 ? pid : -error;
  }

  absl::Status Read(absl::Time deadline, std::string& out, std::string& err) {
    while (out_[0] >= 0 || err_[0] >= 0) {
      std::array<pollfd, 2> ends = {pollfd{out_[0], POLLIN, 0}, pollfd{err_[0], POLLIN, 0}};
      const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
      if (left <= 0) return absl::DeadlineExceededError("it did not end in time");
      if (poll(ends.data(), ends.size(), static_cast<int>(left)) <= 0) continue;
      if (ends[0].revents != 0) Take(out_[0], out);
      if (ends[1].revents != 0) Take(err_[0], err);
      if (out.size() + err.size() > kMaxBytes)
        return absl::ResourceExhaustedError("it printed more than a MiB");
    }
    return absl::OkStatus();
  }

 private:
  static void Take(int& end, std::string& text) {
    std::array<char, 4096> buffer{};
    const ssize_t count = RetryInterrupted([&] { return read(end, buffer.data(), buffer.size()); });
    if (count > 0) {
      text.append(buffer.data(), static_cast<size_t>(count));
    } else {
      close(std::exchange(end, -1));
    }
  }

  std::array<int, 2> out_ = {-1, -1}, err_ = {-1, -1};
  bool made_ = false;
};

}  // namespace

absl::StatusOr<std::string> OutputOf(const std::vector<std::string>& arguments, absl::Duration patience) {
  ChildOutputs outputs;
  const int pid = outputs.Spawn(arguments);
  if (pid < 0) return SystemError("run", arguments[0], -pid);
  std::string out, err;
  const absl::Status read = outputs.Read(absl::Now() + patience, out, err);
  if (!read.ok()) kill(pid, SIGKILL);
  int status = 0;
  RetryInterrupted([&] { return waitpid(pid, &status, 0); });
  if (!read.ok())
    return absl::Status(read.code(), absl::StrCat(arguments[0], ": ", std::string(read.message())));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return out;
  const absl::string_view words = absl::StripAsciiWhitespace(err.empty() ? out : err);
  return absl::InternalError(absl::StrCat(arguments[0], ": ", words.substr(0, 1000)));
}

}  // namespace mae
