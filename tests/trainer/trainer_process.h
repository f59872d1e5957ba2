#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace mae {

/// A mae_trainer run by a test, its output read through a pipe. Killed and reaped when destroyed.
class TrainerProcess {
 public:
  /// @param environment "NAME=value" each, besides that of the test.
  explicit TrainerProcess(const std::vector<std::string>& arguments,
                          const std::vector<std::string>& environment = {});
  ~TrainerProcess();
  TrainerProcess(const TrainerProcess&) = delete;
  TrainerProcess& operator=(const TrainerProcess&) = delete;

  /// Reads output until a line contains the text. @return false if the output ends before, or after a minute.
  bool WaitForOutput(const std::string& text);
  void Signal(int signal) const;
  pid_t pid() const { return pid_; }

  /// Reads output to the end and waits for the process.
  /// @return its exit code; nothing if a signal ended it, or if it did not end within a minute.
  std::optional<int> Wait();

  /// All that was read so far.
  const std::string& output() const { return output_; }

 private:
  // Appends what the process prints next. false: no more comes.
  bool ReadMore();

  pid_t pid_ = -1;
  int pipe_ = -1;
  std::string output_;
};

}  // namespace mae
