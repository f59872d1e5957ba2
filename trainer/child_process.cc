#include "trainer/child_process.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>

#include "base/spawn_plan.h"
#include "base/system_error.h"

namespace mae {
namespace {

constexpr int kCanNotRun = 127;  // as shells have it

std::vector<std::string> EnvironmentWith(const std::vector<std::string>& added) {
  std::map<std::string, std::string> variables;
  const auto put = [&](const std::string& variable) {
    variables[variable.substr(0, variable.find('='))] = variable;
  };
  for (char** variable = environ; *variable != nullptr; ++variable) put(*variable);
  for (const std::string& variable : added) put(variable);
  std::vector<std::string> merged;
  for (const auto& [name, variable] : variables) merged.push_back(variable);
  return merged;
}

}  // namespace

std::vector<std::string> OwnCommandLine() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  words.at(0) = std::filesystem::read_symlink("/proc/self/exe").string();
  return words;
}

absl::StatusOr<std::unique_ptr<JobProcess>> StartChild(const std::vector<std::string>& arguments,
                                                       const std::vector<std::string>& environment) {
  std::vector<std::string> argument_texts = arguments, variable_texts = EnvironmentWith(environment);
  const std::vector<char*> argv = PointersTo(argument_texts), envp = PointersTo(variable_texts);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return SystemError("start", arguments[0], errno);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) execve(argv[0], argv.data(), envp.data());
    _exit(kCanNotRun);
  }
  return JobProcess::WatchChild(child);
}

}  // namespace mae
